// Unpacks what `runs export` packed: first every path, size and digest is checked against the archive's
// own list, then the store gets the bytes that the run refers to, then the run's folder appears, whole, by a
// rename. The trap: archives come from anywhere, and their seal is anybody's to make. Nothing is written
// before all of it has been checked, and into the store only bytes under their own SHA-256: never a result
// under a fingerprint, as archives of before hold them.
import { dirname, join, resolve } from "node:path";
import { Effect, Stream } from "effect";
import { makeFolder, renameDurably, syncFolder } from "../../lib/atomic-write.ts";
import { diskFault } from "../../lib/disk-fault.ts";
import type { Fault } from "../../lib/fault.ts";
import { Files } from "../../lib/files.ts";
import { isThere } from "../../lib/look.ts";
import { openStore, storeName } from "../store/artefact-store.ts";
import { bytesOf, checkArchive } from "./check-archive.ts";
import { importingName } from "../run-folder/run-files.ts";
import { placeOf, RunArchiveFault, wholeIfThere } from "./run-archive.ts";
import { readTar, type StreamedMember } from "../../lib/tar.ts";

export interface Imported {
  readonly name: string;
  readonly dir: string;
  readonly files: number;
}

const writeNew = (file: string, { content }: StreamedMember): Effect.Effect<void, Fault> =>
  Effect.scoped(Effect.gen(function* () {
    const files = yield* Files;
    const wanted = Effect.mapError(diskFault(file, "to unpack"));
    yield* makeFolder(dirname(file));
    const target = yield* wanted(files.open(file, { flag: "wx" }));
    yield* Stream.runForEach(content, (chunk) => wanted(target.writeAll(chunk)));
    yield* wanted(target.sync);
    yield* wanted(syncFolder(dirname(file)));
  }));

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
    if (yield* isThere(dir)) return yield* Effect.fail(nameTaken(dir, index.run));
    yield* makeFolder(base);
    const store = yield* openStore(join(base, storeName));
    const draft = join(base, importingName(index.run));
    const files = yield* Files;
    const wanted = Effect.mapError(diskFault(draft, "to unpack the run"));
    const removed = wanted(files.remove(draft, { recursive: true, force: true }));

    const place = (member: StreamedMember): Effect.Effect<unknown, Fault> => {
      const to = placeOf(member.path);
      if (to?.in === "run") return writeNew(join(draft, to.path), member);
      if (to?.in === "blobs") return Effect.flatMap(bytesOf(member), store.put);
      // A result under a fingerprint would be taken for one that was made here.
      return Effect.void;
    };

    yield* Effect.gen(function* () {
      yield* removed;
      yield* wanted(files.makeDirectory(draft));
      yield* readTar(archive, place);
      yield* store.digests.save;
      yield* Effect.catch(wanted(renameDurably(draft, dir)), wholeIfThere(dir));
    }).pipe(Effect.onError(() => Effect.ignore(removed)));
    return { name: index.run, dir, files: Object.keys(index.files).length };
  });
