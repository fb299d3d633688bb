// The rows of a snapshot, wherever they still are: in the run's own blobs or the store, else in any file of the
// run that holds the same ones (its state, an embedding), told by their digest.
// The trap: only null means that they are lost; a disk that fails is a fault, and the work stays owed.
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { Effect } from "effect";
import { readSafetensors } from "../lib/safetensors/safetensors.ts";
import type { Fault } from "../lib/fault.ts";
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

async function filesOf(runDir: string): Promise<readonly string[]> {
  const folders = [runDir, join(runDir, "checkpoints")];
  const files = await Promise.all(folders.map(async (folder) => {
    const names = await readdir(folder).catch((): string[] => []);
    return names.filter((name) => name.endsWith(".safetensors")).map((name) => join(folder, name));
  }));
  return files.flat();
}

async function search(runDir: string, { blob }: Rows): Promise<Uint8Array | null> {
  for (const file of await filesOf(runDir)) {
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
        tryPromise(() => search(tools.runDir, rows)),
        (found): Effect.Effect<unknown, Fault> => found === null ? Effect.void : tools.put(found),
      ),
  );
