// Packs a run into one file to move it to another machine: its folder, and from the store the bytes that its
// files name themselves (rows of older runs), so that it goes on there where it stopped. What the stages
// before made of the pictures is made again there: an archive is nobody's word for whose results they are.
// The trap: links are not followed, because what they point at is not the run's.
import { dirname, join, relative, sep } from "node:path";
import { Effect, Stream } from "effect";
import { asFault } from "../../lib/as-fault.ts";
import { diskFault } from "../../lib/disk-fault.ts";
import type { Fault } from "../../lib/fault.ts";
import { Files } from "../../lib/files.ts";
import { lockRun } from "../../lib/lock.ts";
import { entriesBelow, isThere } from "../../lib/look.ts";
import { sha256OfChunks } from "../../lib/sha256.ts";
import { tryPromise } from "../../lib/try-promise.ts";
import { tool } from "../platform/versions.ts";
import { storeName } from "../store/artefact-store.ts";
import { isPassing } from "../run-folder/run-files.ts";
import { referencesOf } from "./references.ts";
import {
  type ArchiveIndex,
  indexPath,
  placeOf,
  RunArchiveFault,
  sealIndex,
  wholeIfThere,
} from "./run-archive.ts";
import { readStore } from "./store-contents.ts";
import type { SurveyedRun } from "./survey.ts";
import { type FileToPack, writeTar } from "../../lib/tar.ts";

export interface Exported {
  readonly archive: string;
  readonly files: number;
  readonly bytes: number;
}

interface Source {
  /** In the archive. */
  readonly path: string;
  readonly file: string;
}

const sourcesIn = (runDir: string): Effect.Effect<readonly Source[], Fault> =>
  Effect.gen(function* () {
    const entries = yield* entriesBelow(runDir);
    const kept = entries.filter(({ name }) => !isPassing(name));
    const other = kept.find(({ type }) => type !== "File");
    if (other !== undefined) {
      return yield* Effect.fail(
        new RunArchiveFault({
          file: other.path,
          wanted: "plain files and folders in a run's folder",
          found: "a link or a device",
          fix: "Put what it points at in its place, or remove it.",
        }),
      );
    }
    return kept.map(({ path: file }) => ({
      path: `run/${relative(runDir, file).split(sep).join("/")}`,
      file,
    }));
  });

const sourcesInStore = (run: SurveyedRun): Effect.Effect<readonly Source[], Fault> =>
  Effect.gen(function* () {
    const store = join(dirname(run.dir), storeName);
    const references = yield* referencesOf(run.dir);
    return [...(yield* readStore(store)).blobs]
      .filter(([digest]) => references.has(digest))
      .map(([, { path }]) => ({ path: `store/${path}`, file: join(store, path) }));
  });

const damagedBlob = (file: string) =>
  new RunArchiveFault({
    file,
    wanted: "a part of the store whose SHA-256 is its name",
    found: "another digest: it is damaged",
    fix: "Delete this file; the run's own command makes it again.",
  });

const pack = Effect.fnUntraced(function* (run: SurveyedRun, archive: string) {
  const disk = yield* Files;
  const sizeOf = (file: string) =>
    Effect.map(Effect.mapError(disk.stat(file), asFault), ({ size }) => Number(size));
  const chunksOf = (file: string) =>
    Stream.toAsyncIterable(
      Stream.mapError(disk.stream(file), diskFault(file, "to pack this file")),
    );
  const sources = [...yield* sourcesIn(run.dir), ...yield* sourcesInStore(run)]
    .toSorted((a, b) => a.path < b.path ? -1 : 1);
  const files: Record<string, { bytes: number; digest: string }> = {};
  for (const { path, file } of sources) {
    const digest = yield* tryPromise(() => sha256OfChunks(chunksOf(file)));
    const place = placeOf(path);
    if (place?.in === "blobs" && place.digest !== digest) {
      return yield* Effect.fail<Fault>(damagedBlob(file));
    }
    files[path] = { bytes: yield* sizeOf(file), digest };
  }
  const index: ArchiveIndex = { format: 1, run: run.name, tool, files };
  const head = new TextEncoder().encode(sealIndex(index));
  const packed: FileToPack[] = [
    { path: indexPath, bytes: head.length, chunks: () => [head] },
    ...sources.map(({ path, file }) => ({
      path,
      bytes: files[path].bytes,
      chunks: () => chunksOf(file),
    })),
  ];
  yield* Effect.catch(tryPromise(() => writeTar(archive, packed)), wholeIfThere(archive));
  return { archive, files: sources.length, bytes: yield* sizeOf(archive) } satisfies Exported;
});

/** Fails with RunLocked while a training runs in it, and with RunArchiveFault. */
export const exportRun = (run: SurveyedRun, archive: string): Effect.Effect<Exported, Fault> =>
  Effect.scoped(Effect.gen(function* () {
    if (yield* isThere(archive)) {
      return yield* Effect.fail(
        new RunArchiveFault({
          file: archive,
          wanted: "a free name for the archive",
          found: "a file or folder of this name",
          fix: "Give another name, or move it away.",
        }),
      );
    }
    yield* lockRun(run.dir);
    return yield* pack(run, archive);
  }));
