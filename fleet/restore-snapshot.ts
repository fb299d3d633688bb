// Brings a run to this machine: its store's parts into the store, its folder as a draft that is renamed when
// all of it is there and checked.
// The trap: a run of that name may be here, from before it was trained elsewhere. It is replaced, whole, and
// only while nobody trains in it.
import { existsSync } from "node:fs";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Effect } from "effect";
import { makeFolder } from "../lib/atomic-write.ts";
import { diskFault } from "../lib/disk-fault.ts";
import type { Fault } from "../lib/fault.ts";
import { lockRun } from "../lib/lock.ts";
import { makeFolders } from "../lib/make-folders.ts";
import { deletedName, importingName } from "../runtime/run-folder/run-files.ts";
import { placeOf } from "../runtime/runs/run-archive.ts";
import { openStore, storeName } from "../runtime/store/artefact-store.ts";
import type { Blobs } from "./blobs.ts";
import { renameOver } from "../lib/rename-over.ts";
import type { Piece, Snapshot } from "./snapshot.ts";

/** Into the folder of runs `base`. Fails with CorruptBlob, DiskFault and RunLocked, and then changed nothing. */
export const restoreSnapshot = (
  blobs: Blobs,
  { run, files }: Snapshot,
  base: string,
): Effect.Effect<void, Fault> =>
  Effect.gen(function* () {
    yield* makeFolder(base);
    const [dir, draft] = [join(base, run), join(base, importingName(run))];
    const onDisk = <A>(work: () => Promise<A>) =>
      Effect.tryPromise({
        try: work,
        catch: (cause) => diskFault(draft, "to restore a run")(cause as Error),
      });
    const removed = (folder: string) => onDisk(() => rm(folder, { recursive: true, force: true }));
    const store = yield* openStore(join(base, storeName));

    const write = (file: string, pieces: readonly Piece[]) =>
      Effect.acquireUseRelease(
        onDisk(async () => {
          await makeFolders(dirname(file));
          return await open(file, "wx");
        }),
        (target) =>
          Effect.gen(function* () {
            for (const piece of pieces) {
              const bytes = yield* blobs.get(piece);
              yield* onDisk(() => target.writeFile(bytes));
            }
            yield* onDisk(() => target.sync());
          }),
        (target) => Effect.promise(() => target.close()),
      );
    const place = (path: string, pieces: readonly Piece[]) => {
      const to = placeOf(path);
      if (to?.in === "run") return write(join(draft, to.path), pieces);
      // A part of the store is at most some megabytes, and its name is its digest.
      return Effect.gen(function* () {
        for (const piece of pieces) yield* store.put(yield* blobs.get(piece));
      });
    };
    const replace = Effect.scoped(Effect.gen(function* () {
      const old = join(base, deletedName(run));
      if (existsSync(dir)) {
        yield* lockRun(dir);
        yield* removed(old);
        yield* onDisk(() => renameOver(() => rename(dir, old)));
      }
      yield* onDisk(() => renameOver(() => rename(draft, dir)));
      yield* Effect.ignore(removed(old));
    }));

    yield* Effect.gen(function* () {
      yield* removed(draft);
      yield* onDisk(() => mkdir(draft));
      for (const [path, pieces] of Object.entries(files)) yield* place(path, pieces);
      yield* store.digests.save;
      yield* replace;
    }).pipe(Effect.onError(() => Effect.ignore(removed(draft))));
  });
