// Removes a run's folder with everything in it. It is renamed first, so that a run is there or gone, and
// what an interrupted removal leaves is no run.
// The trap: the store keeps what the run made until `runs prune`, because other runs may share it.
import { basename, dirname, join } from "node:path";
import { Effect } from "effect";
import { renameDurably } from "../../lib/atomic-write.ts";
import { causeText, diskFault } from "../../lib/disk-fault.ts";
import { type Fault, fault } from "../../lib/fault.ts";
import { Files } from "../../lib/files.ts";
import { lockRun } from "../../lib/lock.ts";
import { deletedName } from "../run-folder/run-files.ts";
import type { SurveyedRun } from "./survey.ts";

/** The run is gone from every list, and some of its files are not. */
export class RunRemains extends fault("RunRemains", "world") {}

/** Fails with RunLocked while somebody works in it. */
export const deleteRun = (run: SurveyedRun): Effect.Effect<void, Fault> =>
  Effect.scoped(Effect.gen(function* () {
    yield* lockRun(run.dir);
    const files = yield* Files;
    const grave = join(dirname(run.dir), deletedName(basename(run.dir)));
    const removed = files.remove(grave, { recursive: true, force: true });
    yield* removed.pipe(
      Effect.andThen(renameDurably(run.dir, grave)),
      Effect.mapError(diskFault(run.dir, "to delete this run")),
    );
    yield* Effect.mapError(removed, (cause) =>
      new RunRemains({
        file: grave,
        wanted: "to remove all of the run, which is deleted",
        found: causeText(cause),
        fix: "`runs prune --yes` removes what is left.",
        cause,
      }));
  }));
