// What a sweep would do: its plan, and of each trial whether its run is new, goes on, or is another's too.
// The trap: trials that mean the same run are one; they are listed and counted once.
import { overridesText, splitOverrides } from "../sweep/trials.ts";
import type { PlannedSweep, PlannedTrial } from "./planned-sweep.ts";

export interface TrialOutlook extends PlannedTrial {
  readonly will: "new" | "goes on" | "complete already";
  readonly fromStep: number;
  /** Bytes at its peak; null: not known. */
  readonly memory: number | null;
  readonly sameAs: number | null;
}

export interface SweepOutlook {
  readonly sweep: PlannedSweep;
  /** Whether the number of threads decides a result and is left open. */
  readonly opensThreads: boolean;
  readonly trials: readonly TrialOutlook[];
}

/** The lines of `sweep run --dry-run`. */
export function outlookLines({ sweep, trials }: SweepOutlook): readonly string[] {
  const kept = trials.filter(({ sameAs }) => sameAs === null);
  const steps = kept.reduce(
    (sum, { steps, fromStep }) => sum + Math.max(0, (steps ?? 0) - fromStep),
    0,
  );
  const peak = Math.max(...trials.map(({ memory }) => memory ?? 0));
  const { shared, varied } = splitOverrides(trials.map(({ overrides }) => overrides));
  const gib = peak === 0 ? [] : [`at most ${(peak / 2 ** 30).toFixed(1)} GiB each`];
  return [
    `${sweep.name}: ${kept.length} ${
      kept.length === 1 ? "trial" : "trials"
    }, ranked by ${sweep.by} (${sweep.at})` +
    (sweep.rungs.length === 0 ? "" : `, halved at ${sweep.rungs.join(", ")}`),
    ...(Object.keys(shared).length === 0 ? [] : [`  all  ${overridesText(shared)}`]),
    ...trials.map(({ name, will, run, fromStep, sameAs }, i) =>
      [
        `  ${name}`,
        ...(Object.keys(varied[i]).length === 0 ? [] : [overridesText(varied[i])]),
        sameAs !== null
          ? `the same as trial ${sameAs}`
          : `${will}${will === "goes on" ? ` at step ${fromStep}` : ""}: ${run}`,
      ].join("  ")
    ),
    [`${steps} steps in all${sweep.rungs.length > 0 ? " without halving" : ""}`, ...gib].join(", "),
  ];
}
