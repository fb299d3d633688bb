// The runs of a sweep where it was asked for: those that are there already go out to the workers, and those
// that workers trained to the end come in.
// The trap: a worker's row is not to be changed from here, so what goes out is only where a row begins.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Effect } from "effect";
import type { Blobs } from "./blobs.ts";
import type { PlannedSweep } from "./planned-sweep.ts";
import { type BegunRun, Tables } from "./tables.ts";
import { snapshotSender } from "./take-snapshot.ts";
import { bringRun, isDamage } from "./travelling-run.ts";

/** Sends those that are in the sweep's folder and that no worker has begun; what its rows begin with. */
export const sendRuns = ({ name, base, trials }: PlannedSweep, blobs: Blobs) =>
  Effect.gen(function* () {
    const tables = yield* Tables;
    const begun = new Set((yield* tables.runs(name)).map(({ trial }) => trial));
    const here = trials.filter(({ number, run }) =>
      !begun.has(number) && existsSync(join(base, run))
    );
    return yield* Effect.forEach(here, ({ number, run }) =>
      Effect.map(
        snapshotSender(join(base, run), run, blobs, null),
        (snapshot): BegunRun => ({ trial: number, snapshot }),
      ));
  });

/** Brings those that were trained to their end. One whose bytes are damaged is said, and keeps no other. */
export const bringRuns = (
  { name, base, trials }: PlannedSweep,
  blobs: Blobs,
  say: (line: string) => void,
) =>
  Effect.gen(function* () {
    const tables = yield* Tables;
    const done = new Set(
      (yield* tables.results(name)).flatMap(({ trial, outcome }) =>
        outcome.outcome === "done" ? [trial] : []
      ),
    );
    for (const { trial, snapshots } of yield* tables.runs(name)) {
      const planned = trials.find(({ number }) => number === trial);
      if (planned === undefined || !done.has(trial)) continue;
      yield* Effect.catchIf(
        Effect.asVoid(bringRun({ blobs }, base, planned.run, snapshots, say)),
        isDamage,
        ({ message }) => Effect.sync(() => say(`${planned.run} is not brought: ${message}`)),
      );
    }
  });
