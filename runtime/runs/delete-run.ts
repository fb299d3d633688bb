// Removes a run's folder with everything in it. It is renamed first, so that a run is there or gone, and
// what an interrupted removal leaves is no run.
// The trap: the store keeps what the run made until `runs prune`, because other runs may share it.
import { lstat, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { Effect } from "effect";
import { diskFault } from "../../lib/disk-fault.ts";
import type { Fault } from "../../lib/fault.ts";
import { renameOver } from "../../lib/rename-over.ts";
import { holdRun } from "./free-run.ts";
import { deletedName } from "./leftover.ts";
import type { SurveyedRun } from "./survey.ts";

/** Bytes of all files below a folder; links count as nothing. */
export async function bytesBelow(dir: string): Promise<number> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const sizes = await Promise.all(
    entries.filter((entry) => entry.isFile())
      .map(async ({ parentPath, name }) => (await lstat(join(parentPath, name))).size),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Fails with RunLocked while somebody works in it. */
export const deleteRun = (run: SurveyedRun): Effect.Effect<void, Fault> =>
  Effect.scoped(Effect.gen(function* () {
    yield* holdRun(run);
    const grave = join(dirname(run.dir), deletedName(basename(run.dir)));
    yield* Effect.tryPromise({
      try: async () => {
        await rm(grave, { recursive: true, force: true });
        await renameOver(() => rename(run.dir, grave));
        await rm(grave, { recursive: true, force: true });
      },
      catch: (cause) => diskFault(run.dir, "to delete this run")(cause as Error),
    });
  }));
