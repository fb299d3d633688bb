// A folder of runs with a sweep in its database, made without training: for tests and measurements of what
// reads sweeps. The trap: the database tells of runs by their folders' names, so both are made here together.
import { join } from "node:path";
import { Effect } from "effect";
import { fleetAt } from "../fleet/connection.ts";
import { withTables } from "../fleet/open-tables.ts";
import type { PlannedSweep } from "../fleet/planned-sweep.ts";
import type { SegmentOutcome } from "../fleet/segment-outcome.ts";
import { planOf } from "../fleet/testing/toy-sweeps.ts";
import { writeSyntheticRun } from "./synthetic-run.ts";
import type { SyntheticRun } from "./synthetic-events.ts";

export interface SyntheticSweep {
  readonly name: string;
  readonly trials: number;
  /** How many of them have pictures. */
  readonly pictured: number;
  /** Trials from this number on have not begun. */
  readonly begun: number;
  /** This one failed, with this message. */
  readonly failed: { readonly trial: number; readonly message: string } | null;
  readonly overrides: (trial: number) => PlannedSweep["trials"][number]["overrides"];
  readonly run: Partial<SyntheticRun>;
}

const defaults: SyntheticSweep = {
  name: "rates",
  trials: 6,
  pictured: 4,
  begun: Infinity,
  failed: null,
  overrides: (trial) => ({ "optimizer.learning_rate": trial / 1000, seed: trial % 2 }),
  run: { steps: 60, totalSteps: 60, validateEvery: 20, pictureSize: 64 },
};

const planFor = (base: string, { name, trials, overrides, run }: SyntheticSweep): PlannedSweep =>
  planOf(trials, {
    name,
    digest: name,
    file: join(base, "sweep.yaml"),
    pipeline: "sdxl-ti",
    base,
    parallel: 1,
    attempts: 3,
    trials: Array.from({ length: trials }, (_, i) => ({
      number: i + 1,
      name: String(i + 1),
      overrides: overrides(i + 1),
      run: `gnome_bruce-${String(i + 1).padStart(8, "0")}`,
      trigger: "gnome_bruce",
      steps: run.totalSteps ?? null,
      group: "",
    })),
  });

/** The loss that the database tells of a trial, falling towards the middle one. */
export const syntheticLoss = (trial: number, trials: number): number =>
  0.08 + Math.abs(trial - Math.ceil(trials / 2)) / 1000;

/** Adds an outcome to the sweep's database. */
export const record = (
  base: string,
  sweep: string,
  trial: number,
  outcome: SegmentOutcome,
): Promise<void> =>
  Effect.runPromise(Effect.flatMap(fleetAt(base), (fleet) =>
    withTables(
      fleet,
      (tables) => tables.record({ sweep, round: 0, trial, until: null }, outcome),
    )));

export const doneAt = (step: number, loss: number): SegmentOutcome => ({
  outcome: "done",
  step,
  loss,
  best: { step, loss },
  seconds: 12.5,
  machine: "oak",
  files: ["gnome_bruce-best.safetensors", "gnome_bruce.safetensors"],
});

/** Writes runs and database into `base`; a sweep all of whose trials ended is done. */
export async function writeSyntheticSweep(
  base: string,
  options: Partial<SyntheticSweep> = {},
): Promise<PlannedSweep> {
  const sweep = { ...defaults, ...options };
  const { name, trials, failed, begun } = sweep;
  const plan = planFor(base, sweep);
  for (const { number, run } of plan.trials) {
    if (number >= begun) continue;
    const prompts = number <= sweep.pictured ? {} : { prompts: [] };
    await writeSyntheticRun(join(base, run), { ...sweep.run, ...prompts, seed: number }, run);
  }
  const write = Effect.flatMap(
    fleetAt(base),
    (fleet) =>
      withTables(fleet, (tables) =>
        Effect.gen(function* () {
          yield* tables.submit(plan);
          for (const { number, steps } of plan.trials) {
            if (number >= begun) continue;
            const outcome: SegmentOutcome = failed?.trial === number
              ? { outcome: "failed", step: 7, exit: 2, message: failed.message, machine: "oak" }
              : doneAt(steps ?? 0, syntheticLoss(number, trials));
            yield* tables.record({ sweep: name, round: 0, trial: number, until: null }, outcome);
          }
          if (begun > trials) yield* tables.end(name, "done");
        })),
  );
  await Effect.runPromise(write);
  return plan;
}
