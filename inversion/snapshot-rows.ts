// The rows of a snapshot, wherever they still are: in the run's own blobs or the store, else in any file of the
// run that holds the same ones (its state, an embedding), told by their digest.
// The trap: only null means that they are lost; a disk that fails is a fault, and the work stays owed.
import { join } from "node:path";
import { Effect } from "effect";
import { readSafetensors } from "../lib/safetensors/safetensors.ts";
import type { Fault } from "../lib/fault.ts";
import { namesIn } from "../lib/look.ts";
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

const filesOf = (runDir: string): Effect.Effect<readonly string[]> =>
  Effect.forEach(
    [runDir, join(runDir, "checkpoints")],
    (folder) =>
      Effect.map(namesIn(folder), (names) =>
        names.filter((name) =>
          name.endsWith(".safetensors")
        ).map((name) => join(folder, name))),
  ).pipe(Effect.map((files) => files.flat()));

async function search(files: readonly string[], { blob }: Rows): Promise<Uint8Array | null> {
  for (const file of files) {
    const tensors = await readSafetensors(file).catch(() => undefined);
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
