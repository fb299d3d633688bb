// Unpacks what `runs export` packed: first every path, size and digest is checked against the archive's
// own list, then the store gets the bytes that the run refers to, then the run's folder appears, whole, by a
// rename. The trap: archives come from anywhere, and their seal is anybody's to make. Nothing is written
// before all of it has been checked, and into the store only bytes under their own SHA-256: never a result
// under a fingerprint, as archives of before hold them.
import { existsSync } from "node:fs";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { Effect, Stream } from "effect";
import { makeFolder } from "../../lib/atomic-write.ts";
import { diskFault } from "../../lib/disk-fault.ts";
import type { Fault } from "../../lib/fault.ts";
import { renameOver } from "../../lib/rename-over.ts";
import { openStore, storeName } from "../store/artefact-store.ts";
import { bytesOf, checkArchive } from "./check-archive.ts";
import { importingName } from "./leftover.ts";
import { placeOf, RunArchiveFault } from "./run-archive.ts";
import { readTar, type StreamedMember } from "../../lib/tar.ts";

export interface Imported {
  readonly name: string;
  readonly dir: string;
  readonly files: number;
}

const writeNew = (file: string, { content }: StreamedMember): Effect.Effect<void, Fault> => {
  const onDisk = <A>(run: () => Promise<A>) =>
    Effect.tryPromise({ try: run, catch: (cause) => diskFault(file, "to unpack")(cause as Error) });
  return Effect.acquireUseRelease(
    onDisk(async () => {
      await mkdir(dirname(file), { recursive: true });
      return await open(file, "wx");
    }),
    (target) =>
      Effect.andThen(
        Stream.runForEach(content, (chunk) => onDisk(() => target.writeFile(chunk))),
        onDisk(() => target.sync()),
      ),
    (target) => Effect.promise(() => target.close()),
  );
};

const nameTaken = (dir: string, name: string): Fault =>
  new RunArchiveFault({
    file: dir,
    wanted: `no run called ${name} here yet`,
    found: "one of this name",
    fix: "Rename or delete that one, or name another folder with --output.",
  });

/** Into the folder of runs `base`. Fails with RunArchiveFault, ArchiveFault, DiskFault. */
export const importRun = (archive: string, base: string): Effect.Effect<Imported, Fault> =>
  Effect.gen(function* () {
    const index = yield* checkArchive(archive);
    const dir = resolve(base, index.run);
    if (existsSync(dir)) return yield* Effect.fail(nameTaken(dir, index.run));
    yield* makeFolder(base);
    const store = yield* openStore(join(base, storeName));
    const draft = join(base, importingName(index.run));
    const onDisk = <A>(run: () => Promise<A>) =>
      Effect.tryPromise({
        try: run,
        catch: (cause) => diskFault(draft, "to unpack the run")(cause as Error),
      });
    const removed = onDisk(() => rm(draft, { recursive: true, force: true }));

    const place = (member: StreamedMember): Effect.Effect<unknown, Fault> => {
      const to = placeOf(member.path);
      if (to?.in === "run") return writeNew(join(draft, to.path), member);
      if (to?.in === "blobs") return Effect.flatMap(bytesOf(member), store.put);
      // A result under a fingerprint would be taken for one that was made here.
      return Effect.void;
    };

    yield* Effect.gen(function* () {
      yield* removed;
      yield* onDisk(() => mkdir(draft));
      yield* readTar(archive, place);
      yield* store.digests.save;
      yield* onDisk(() => renameOver(() => rename(draft, dir)));
    }).pipe(Effect.onError(() => Effect.ignore(removed)));
    return { name: index.run, dir, files: Object.keys(index.files).length };
  });
