// Sends what a run has come to while it trains: the state first, so that its logs are as new as the state or
// newer (what is said again after a resume, the log itself drops). Of logs only what is new is sent, of files
// that did not change nothing.
// The trap: a training writes meanwhile. What names other files (logs, records) is read before the others are
// listed: a log that says of a checkpoint that it is written must not travel without it. A file that is gone
// when it is read is no part of the snapshot, and a log may end in half a line, as after a crash.
import { open, readFile, stat } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { Effect } from "effect";
import { errnoOf } from "../lib/disk-fault.ts";
import type { Fault } from "../lib/fault.ts";
import { entriesBelow } from "../lib/look.ts";
import { sha256 } from "../lib/sha256.ts";
import { tryPromise } from "../lib/try-promise.ts";
import { stateFile, stepIn } from "../runtime/run-folder/state.ts";
import { isPassing, stateName } from "../runtime/run-folder/run-files.ts";
import { referencesOf } from "../runtime/runs/references.ts";
import { storeName } from "../runtime/store/artefact-store.ts";
import type { Blobs } from "./blobs.ts";
import { type Piece, type Snapshot, type SnapshotMark, writeSnapshot } from "./snapshot.ts";

export interface Sent extends SnapshotMark {
  /** Bytes that were not there before, the list included. */
  readonly sentBytes: number;
}

const isLog = (path: string) => path.endsWith(".jsonl") || path.startsWith("run/tensorboard/");
const namesOthers = (path: string) => isLog(path) || path.endsWith(".json");
const statePath = `run/${stateName}`;
const mostPieceBytes = 16 << 20;
/** More pieces than that of one log would make the lists longer than what is new. */
const mostPieces = 256;

const gone = (error: unknown): undefined => {
  if (errnoOf(error) === "ENOENT") return undefined;
  throw error;
};

interface Source {
  readonly path: string;
  readonly file: string;
}

const sourcesOf = (dir: string): Effect.Effect<readonly Source[], Fault> =>
  Effect.gen(function* () {
    const entries = yield* entriesBelow(dir);
    const own = entries.filter(({ name, type }) => type === "File" && !isPassing(name))
      .map(({ path: file }) => ({
        path: `run/${relative(dir, file).split(sep).join("/")}`,
        file,
      }));
    const store = join(dirname(dir), storeName);
    const blobs = [...yield* referencesOf(dir)].map((digest) => {
      const path = `blobs/${digest.slice(0, 2)}/${digest}`;
      return { path: `store/${path}`, file: join(store, path) };
    });
    return [...own, ...blobs].filter(({ path }) => path !== statePath)
      .toSorted((a, b) => a.path < b.path ? -1 : 1);
  });

/** Everything of a file from `offset` on; undefined: it is gone. */
async function readFrom(file: string, offset: number): Promise<Uint8Array | undefined> {
  if (offset === 0) return await readFile(file).catch(gone);
  const handle = await open(file).catch(gone);
  if (handle === undefined) return undefined;
  try {
    const bytes = new Uint8Array(Math.max(0, (await handle.stat()).size - offset));
    let filled = 0;
    while (filled < bytes.length) {
      const { bytesRead } = await handle.read(
        bytes,
        filled,
        bytes.length - filled,
        offset + filled,
      );
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return bytes.subarray(0, filled);
  } finally {
    await handle.close();
  }
}

/**
 * Sends snapshots of the run in `dir`, each with what is new since the one before; the first since `restored`,
 * from which the run was made here, if it was.
 */
export const snapshotSender = (
  dir: string,
  run: string,
  blobs: Blobs,
  restored: Snapshot | null,
): Effect.Effect<Sent, Fault> => {
  const known = new Map<string, { readonly stamp: string; readonly pieces: readonly Piece[] }>(
    Object.entries(restored?.files ?? {}).map(([path, pieces]) => [path, { stamp: "", pieces }]),
  );
  return Effect.gen(function* () {
    let sentBytes = 0;
    const put = (bytes: Uint8Array) =>
      Effect.gen(function* () {
        const pieces: Piece[] = [];
        for (let at = 0; at < Math.max(1, bytes.length); at += mostPieceBytes) {
          const piece = yield* blobs.put(bytes.subarray(at, at + mostPieceBytes));
          sentBytes += piece.bytes;
          pieces.push(piece);
        }
        return pieces;
      });
    /** Of a log that only grew: what was sent, and what is new. */
    const grown = ({ path, file }: Source) =>
      Effect.gen(function* () {
        const before = known.get(path)?.pieces ?? [];
        const last = before.at(-1);
        if (!isLog(path) || last === undefined || before.length >= mostPieces) return null;
        const offset = before.slice(0, -1).reduce((sum, { bytes }) => sum + bytes, 0);
        const tail = yield* tryPromise(() => readFrom(file, offset));
        if (tail === undefined || sha256(tail.subarray(0, last.bytes)) !== last.digest) return null;
        const more = tail.subarray(last.bytes);
        return [...before, ...(more.length === 0 ? [] : yield* put(more))];
      });
    /** What was sent under this stamp, or what is made now; undefined: it is gone. */
    const unlessKnown = <E>(
      path: string,
      stamp: string,
      make: Effect.Effect<readonly Piece[] | undefined, E>,
    ) =>
      Effect.gen(function* () {
        const before = known.get(path);
        if (before?.stamp === stamp) return before.pieces;
        const made = yield* make;
        if (made !== undefined) known.set(path, { stamp, pieces: made });
        return made;
      });
    const anew = (source: Source) =>
      Effect.gen(function* () {
        const made = yield* grown(source);
        if (made !== null) return made;
        const bytes = yield* tryPromise(() => readFrom(source.file, 0));
        return bytes === undefined ? undefined : yield* put(bytes);
      });
    const pieces = (source: Source) =>
      Effect.gen(function* () {
        const at = yield* tryPromise(() => stat(source.file).catch(gone));
        if (at === undefined) return undefined;
        const stamp = `${at.ino} ${at.size} ${at.mtimeMs}`;
        return yield* unlessKnown(source.path, stamp, anew(source));
      });

    const files: Record<string, readonly Piece[]> = {};
    const keep = (path: string, found: readonly Piece[] | undefined) => {
      if (found !== undefined) files[path] = found;
    };
    const send = (sources: readonly Source[]) =>
      Effect.forEach(
        sources,
        (source) => Effect.map(pieces(source), (found) => keep(source.path, found)),
        { discard: true },
      );
    const list = sourcesOf(dir);
    // Its step is told by the bytes that are sent: at the next look a newer state may lie there.
    const state = yield* tryPromise(() => readFrom(stateFile(dir), 0));
    if (state !== undefined) {
      keep(statePath, yield* unlessKnown(statePath, sha256(state), put(state)));
    }
    const step = state === undefined ? 0 : stepIn(state) ?? 0;
    yield* send((yield* list).filter(({ path }) => namesOthers(path)));
    yield* send((yield* list).filter(({ path }) => !namesOthers(path)));
    const snapshot: Snapshot = { format: 1, run, step, files };
    const mark = yield* writeSnapshot(blobs, snapshot);
    return { ...mark, sentBytes: sentBytes + mark.bytes };
  });
};
