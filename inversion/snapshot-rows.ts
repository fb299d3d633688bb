// The rows of a snapshot, wherever they still are: in the run's own blobs or the store, else in any file of the
// run that holds the same ones (its state, an embedding), told by their digest.
// The trap: only null means that they are lost; a disk that fails is a fault, and the work stays owed.
import { join } from "node:path";
import { Effect } from "effect";
import { readSafetensors } from "../lib/safetensors/safetensors.ts";
import type { Fault } from "../lib/fault.ts";
import { WeightsFileFault } from "../lib/file-fault.ts";
import { diskFault, isAbsent } from "../lib/disk-fault.ts";
import { Files } from "../lib/files.ts";
import { sha256 } from "../lib/sha256.ts";
import { tryPromise } from "../lib/try-promise.ts";
import type { StageTools } from "../runtime/stage.ts";
import { CorruptBlob } from "../runtime/store/blob-store.ts";
import { packRows, type Rows } from "./artefacts/snapshots.ts";

/** Names of the tensors of both encoders, in embeddings and in the training's state. */
const pairs = [
  ["clip_l", "clip_g"],
  ...["optimizer.rows", "ema", "best", "initial"].map((name) => [`${name}.0`, `${name}.1`]),
];

const filesOf = (runDir: string): Effect.Effect<readonly string[], Fault> =>
  Effect.forEach(
    [runDir, join(runDir, "checkpoints")],
    (folder) =>
      Effect.flatMap(Files, (files) => files.readDirectory(folder)).pipe(
        Effect.catchIf(isAbsent, () => Effect.succeed<string[]>([])),
        Effect.mapError(diskFault(folder, "to look for the rows of a snapshot")),
        Effect.map((names) =>
          names.filter((name) => name.endsWith(".safetensors")).map((name) => join(folder, name))
        ),
      ),
  ).pipe(Effect.map((files) => files.flat()));

/** A file that is no safetensors, or went meanwhile, holds none; what else keeps it from being read is thrown. */
const tensorsIn = (file: string) =>
  readSafetensors(file).catch((cause) => {
    if (cause instanceof WeightsFileFault) return undefined;
    throw cause;
  });

async function search(files: readonly string[], { blob }: Rows): Promise<Uint8Array | null> {
  for (const file of files) {
    const tensors = await tensorsIn(file);
    for (const names of tensors === undefined ? [] : pairs) {
      const [clip_l, clip_g] = names.map((name) => tensors?.get(name)?.data);
      if (clip_l === undefined || clip_g === undefined) continue;
      const packed = packRows(Array.from(clip_l, Number), Array.from(clip_g, Number));
      if (sha256(packed) === blob.digest) return packed;
    }
  }
  return null;
}

/** Null: they are lost for good. */
export const snapshotRows = (
  tools: Pick<StageTools, "get" | "put" | "runDir">,
  rows: Rows,
): Effect.Effect<Uint8Array | null, Fault> =>
  Effect.catchIf(
    tools.get(rows.blob),
    (fault) => fault instanceof CorruptBlob,
    () =>
      Effect.tap(
        Effect.flatMap(filesOf(tools.runDir), (files) => tryPromise(() => search(files, rows))),
        (found): Effect.Effect<unknown, Fault> => found === null ? Effect.void : tools.put(found),
      ),
  );
