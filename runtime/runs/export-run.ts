// Packs a run into one file to move it to another machine: its folder, and from the store the bytes that its
// files name themselves (rows of older runs), so that it goes on there where it stopped. What the stages
// before made of the pictures is made again there: an archive is nobody's word for whose results they are.
// The trap: links are not followed, because what they point at is not the run's.
import { createReadStream, existsSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { Effect } from "effect";
import type { Fault } from "../../lib/fault.ts";
import { sha256OfChunks } from "../../lib/sha256.ts";
import { tryPromise } from "../../lib/try-promise.ts";
import { tool } from "../platform/versions.ts";
import { storeName } from "../store/artefact-store.ts";
import { holdRun, isPassing } from "./free-run.ts";
import { referencesOf } from "./references.ts";
import {
  type ArchiveIndex,
  indexPath,
  placeOf,
  RunArchiveFault,
  sealIndex,
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

async function sourcesIn(runDir: string): Promise<readonly Source[]> {
  const entries = await readdir(runDir, { recursive: true, withFileTypes: true });
  return entries.flatMap((entry) => {
    const file = join(entry.parentPath, entry.name);
    if (entry.isDirectory() || isPassing(entry.name)) return [];
    if (!entry.isFile()) {
      throw new RunArchiveFault({
        file,
        wanted: "plain files and folders in a run's folder",
        found: "a link or a device",
        fix: "Put what it points at in its place, or remove it.",
      });
    }
    return [{ path: `run/${relative(runDir, file).split(sep).join("/")}`, file }];
  });
}

async function sourcesInStore(run: SurveyedRun): Promise<readonly Source[]> {
  const store = join(dirname(run.dir), storeName);
  const references = await referencesOf(run.dir);
  return [...(await readStore(store)).blobs]
    .filter(([digest]) => references.has(digest))
    .map(([, { path }]) => ({ path: `store/${path}`, file: join(store, path) }));
}

const damagedBlob = (file: string) =>
  new RunArchiveFault({
    file,
    wanted: "a part of the store whose SHA-256 is its name",
    found: "another digest: it is damaged",
    fix: "Delete this file; the run's own command makes it again.",
  });

async function pack(run: SurveyedRun, archive: string): Promise<Exported> {
  const sources = [...await sourcesIn(run.dir), ...await sourcesInStore(run)]
    .toSorted((a, b) => a.path < b.path ? -1 : 1);
  const files: Record<string, { bytes: number; digest: string }> = {};
  for (const { path, file } of sources) {
    const digest = await sha256OfChunks(createReadStream(file));
    const place = placeOf(path);
    if (place?.in === "blobs" && place.digest !== digest) throw damagedBlob(file);
    files[path] = { bytes: (await stat(file)).size, digest };
  }
  const index: ArchiveIndex = { format: 1, run: run.name, tool, files };
  const head = new TextEncoder().encode(sealIndex(index));
  const packed: FileToPack[] = [
    { path: indexPath, bytes: head.length, chunks: () => [head] },
    ...sources.map(({ path, file }) => ({
      path,
      bytes: files[path].bytes,
      chunks: () => createReadStream(file),
    })),
  ];
  await writeTar(archive, packed);
  return { archive, files: sources.length, bytes: (await stat(archive)).size };
}

/** Fails with RunLocked while a training runs in it, and with RunArchiveFault. */
export const exportRun = (run: SurveyedRun, archive: string): Effect.Effect<Exported, Fault> =>
  Effect.scoped(Effect.gen(function* () {
    if (existsSync(archive)) {
      return yield* Effect.fail(
        new RunArchiveFault({
          file: archive,
          wanted: "a free name for the archive",
          found: "a file or folder of this name",
          fix: "Give another name, or move it away.",
        }),
      );
    }
    yield* holdRun(run);
    return yield* tryPromise(() => pack(run, archive));
  }));
