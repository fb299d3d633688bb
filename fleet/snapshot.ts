// A run at one moment, as it travels: its files by path, as `runs export` packs them, each a list of pieces
// by digest. The list is a blob itself, and its digest stands in the run's row.
// The trap: paths come from a database and a folder that others write, so each is checked as those of an
// archive are, before anything is fetched.
import { Effect, Schema } from "effect";
import { type Fault, fault } from "../lib/fault.ts";
import { pathFinding } from "../lib/tar.ts";
import { placeOf } from "../runtime/runs/run-archive.ts";
import type { Blobs } from "./blobs.ts";

export class SnapshotFault extends fault("SnapshotFault", "world") {}

const { Array: List, Int, Literal, Record, String: Text, Struct } = Schema;

export const Piece = Struct({
  digest: Text.check(Schema.isPattern(/^[0-9a-f]{64}$/)),
  bytes: Int,
});
export type Piece = typeof Piece.Type;

const belongs = (path: string) =>
  pathFinding(path) === null && ["run", "blobs"].includes(placeOf(path)?.in ?? "");

export const Snapshot = Struct({
  format: Literal(1),
  /** The name of the run's folder. */
  run: Text.check(Schema.makeFilter((name) => !/^\.|\//.test(name) && pathFinding(name) === null)),
  /** Finished steps of its state. */
  step: Int,
  /** By path in an archive: `run/...`, `store/blobs/...`. */
  files: Record(Text, List(Piece)).check(
    // Of keys themselves, a record leaves out what does not fit, in silence.
    Schema.makeFilter((files) => Object.keys(files).every(belongs)),
  ),
});
export type Snapshot = typeof Snapshot.Type;

const SnapshotJson = Schema.fromJsonString(Snapshot);
const encode = Schema.encodeSync(SnapshotJson);
const decode = Schema.decodeUnknownEffect(SnapshotJson);

/** What a run's row remembers of a snapshot. */
export interface SnapshotMark extends Piece {
  readonly step: number;
}

export const writeSnapshot = (
  blobs: Blobs,
  snapshot: Snapshot,
): Effect.Effect<SnapshotMark, Fault> =>
  Effect.map(
    blobs.put(new TextEncoder().encode(encode(snapshot))),
    (blob) => ({ ...blob, step: snapshot.step }),
  );

/** Fails with CorruptBlob and SnapshotFault. */
export const readSnapshot = (
  blobs: Blobs,
  { digest, bytes }: Piece,
): Effect.Effect<Snapshot, Fault> =>
  Effect.flatMap(
    blobs.get({ digest, bytes }),
    (content) =>
      Effect.mapError(decode(new TextDecoder().decode(content)), (cause): Fault =>
        new SnapshotFault({
          file: digest,
          wanted: "the list of a run's files",
          found: "something else, or paths that leave their folder",
          fix: "Nothing of it was restored. Look at who writes into the fleet's blobs.",
          cause,
        })),
  );
