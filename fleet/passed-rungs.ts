// Runs of a sweep's trials that are past where they would be halved, without a loss that was measured there: they
// were trained for something else, and nothing goes back.
// The trap: the trials of a sweep that has begun are past its rungs as well; their losses were measured there.
import { join } from "node:path";
import { Effect } from "effect";
import { firstFew } from "../lib/first-few.js";
import { placeOf } from "../lib/source.ts";
import type { Finding } from "../runtime/options/config-fault.ts";
import type { Definition } from "../sweep/definition.ts";
import { readPassed } from "./run-result.ts";
import type { SweepOutlook } from "./sweep-outlook.ts";

export interface PassedRung {
  /** The trial's name. */
  readonly trial: string;
  readonly rung: number;
  /** Of the run. */
  readonly step: number;
}

export const passedRungs = (
  { sweep: { base, rungs }, trials }: SweepOutlook,
): Effect.Effect<readonly PassedRung[]> => {
  const past = trials.flatMap(({ name, run, fromStep }) =>
    rungs.filter((rung) => rung < fromStep).map((rung) => ({ name, run, rung, fromStep }))
  );
  const looks = Effect.forEach(past, ({ name, run, rung, fromStep }) =>
    Effect.map(
      readPassed(join(base, run), rung),
      (passed) => passed?.loss === null ? [{ trial: name, rung, step: fromStep }] : [],
    ));
  return Effect.map(looks, (found) => found.flat());
};

/** That a sweep cannot begin with them; one finding for each rung. */
export const passedFindings = (
  { source }: Definition,
  passed: readonly PassedRung[],
): readonly Finding[] =>
  [...Map.groupBy(passed, ({ rung }) => rung)].map(([rung, all]) => ({
    ...placeOf(source, "halving.first"),
    key: "halving.first",
    wanted: `runs whose loss was measured at step ${rung}, or that are not there yet`,
    found: `those of trial ${firstFew(all.map(({ trial, step }) => `${trial} (at step ${step})`))}`,
    fix: "They were trained for something else: decide at steps of fixed_loss_every, where every " +
      "run's loss is measured, or give another folder with --output.",
  }));
