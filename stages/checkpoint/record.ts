// What the checkpoint stage has written, file by file with its digest: how a damaged file is found and a
// pruned one is not written again. The trap: it is written after the file, so a file may be newer than
// its record, never the other way round.
import { join } from "node:path";
import { Effect, Option, Schema } from "effect";
import { atomicWrite } from "../../lib/atomic-write.ts";
import type { Fault } from "../../lib/fault.ts";
import { Files } from "../../lib/files.ts";
import { bytesUnlessAbsent } from "../../lib/look.ts";
import { sha256 } from "../../lib/sha256.ts";

export const FileRecord = Schema.Struct({
  /** Relative to the run folder, with forward slashes. */
  path: Schema.String,
  step: Schema.Int,
  digest: Schema.String,
  /** Removed on purpose, by `max_checkpoints`. */
  pruned: Schema.Boolean,
  /** Its rows are nowhere any more, so it is not made again; said once. */
  lost: Schema.optionalKey(Schema.Literal(true)),
});
export type FileRecord = typeof FileRecord.Type;

const Records = Schema.Struct({ complete: Schema.Boolean, files: Schema.Array(FileRecord) });
export type Records = typeof Records.Type;

const recordPath = (runDir: string) => join(runDir, "checkpoints", "files.json");

const decode = Schema.decodeUnknownOption(Schema.fromJsonString(Records));
const none: Records = { complete: false, files: [] };

/** A damaged record counts as none; one that the disk does not give is a fault, since it says what is pruned. */
export const readRecords = (runDir: string): Effect.Effect<Records, Fault> =>
  Effect.map(
    bytesUnlessAbsent(recordPath(runDir), "to read what checkpoints there are"),
    (bytes) =>
      bytes === undefined
        ? none
        : Option.getOrElse(decode(new TextDecoder().decode(bytes)), () => none),
  );

export const writeRecords = (runDir: string, records: Records): Effect.Effect<void, Fault> =>
  atomicWrite(recordPath(runDir), `${JSON.stringify(records, null, 1)}\n`);

/** The recorded files that are missing or changed. */
export const damaged = (runDir: string, { files }: Records): Effect.Effect<readonly string[]> =>
  Effect.filter(
    files.filter(({ pruned, lost = false }) => !pruned && !lost),
    ({ path, digest }) =>
      Effect.flatMap(Files, (disk) => disk.readFile(join(runDir, path))).pipe(
        Effect.map((bytes) => sha256(bytes) !== digest),
        Effect.orElseSucceed(() => true),
      ),
  ).pipe(Effect.map((found) => found.map(({ path }) => path)));
