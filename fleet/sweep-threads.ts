// How many threads a sweep's trainings take on a processor: one number for all its machines, since another
// gives other last bits. A trial's own comes first, then its configuration's, then what the sweep was given.
// The trap: a worker that is dead or silent still stands in the tables, and decides nothing.
import { isThere } from "./enter.ts";
import type { Member } from "./members.ts";
import type { PlannedSweep, PlannedTrial } from "./planned-sweep.ts";

/** A trial and what it comes to with its configuration. */
export interface TrialValues {
  readonly overrides: PlannedTrial["overrides"];
  readonly values: Readonly<Record<string, unknown>>;
}

/** Whether the number decides a result and is left open. */
export const opensThreads = (trials: readonly TrialValues[]): boolean =>
  trials.some(({ values }) =>
    values.threads === null && ["auto", "cpu"].includes(String(values.provider))
  );

/** Whether the configuration says it: a value that is not the trial's own. */
export const setsThreads = (trials: readonly TrialValues[]): boolean =>
  trials.some(({ overrides, values }) =>
    typeof values.threads === "number" && !Object.hasOwn(overrides, "threads")
  );

/** As many as every machine can give a training: this one, and where workers are. */
export const threadsForAll = (here: number, members: readonly Member[]): number =>
  Math.min(here, ...members.filter(isThere).map(({ about }) => about.threads ?? Infinity));

/** What a training is told; null: nothing, its configuration says it. A sweep of before leaves it to the machine. */
export const toldThreads = (
  { threads, setsThreads }: Pick<PlannedSweep, "threads" | "setsThreads">,
  machine: number | null,
): number | null => threads ?? (setsThreads === true ? null : machine);
