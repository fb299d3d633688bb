// Removes the checkpoints of a run on purpose, as `max_checkpoints` would; its state, its last and its best
// file stay, so it may go on.
// The trap: noted before it is done, or the run's next attempt would write them again.
import { join } from "node:path";
import { Effect } from "effect";
import type { Fault } from "../../lib/fault.ts";
import { diskFault } from "../../lib/disk-fault.ts";
import { Files } from "../../lib/files.ts";
import { lockRun } from "../../lib/lock.ts";
import { trainingCodec } from "../../inversion/event-kinds.ts";
import { openEventLog } from "../../runtime/run-folder/event-log.ts";
import { readRecords, writeRecords } from "./record.ts";
import { eventsFile } from "../../runtime/run-folder/run-files.ts";

/** Fails with RunLocked while somebody works in it. */
export const dropCheckpoints = (runDir: string): Effect.Effect<void, Fault> =>
  Effect.scoped(Effect.gen(function* () {
    yield* lockRun(runDir);
    const disk = yield* Files;
    const records = yield* readRecords(runDir);
    const files = records.files.map((file) =>
      file.path.startsWith("checkpoints/") && file.lost === undefined
        ? { ...file, pruned: true }
        : file
    );
    const dropped = files.filter(({ pruned }) => pruned);
    if (dropped.length === 0) return;
    yield* writeRecords(runDir, { ...records, files });
    const log = yield* openEventLog(eventsFile(runDir), trainingCodec);
    yield* Effect.forEach(
      dropped,
      ({ path, step }) => {
        const file = join(runDir, path);
        return Effect.andThen(
          Effect.mapError(
            disk.remove(file, { force: true }),
            diskFault(file, "to remove a checkpoint"),
          ),
          // Those who read the run go by its log.
          Effect.orDie(log.append({ event: "checkpoint-pruned", step, path })),
        );
      },
      { discard: true },
    );
  }));
