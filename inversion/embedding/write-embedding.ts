// Writes an embedding file that was made out of others. The trap: never over a file that says something
// else; the same content again is no reason to complain.
import { writeAtomically } from "../../lib/atomic-file.ts";
import { readBytes } from "../../lib/plain-files.ts";
import { safetensorsBytes } from "../../lib/safetensors/safetensors-bytes.ts";
import type { Rows } from "./diffusers-pair.ts";
import { EmbeddingFileFault } from "./embedding-file.ts";

/** Throws EmbeddingFileFault where there is another file, and what writing throws. */
export async function writeEmbedding(
  target: string,
  tensors: Readonly<Record<string, Rows>>,
  metadata: Readonly<Record<string, string>>,
): Promise<string> {
  const bytes = await safetensorsBytes(new Map(Object.entries(tensors)), metadata, target);
  const present = await readBytes(target).catch(() => undefined);
  if (present !== undefined && !present.equals(bytes)) {
    throw new EmbeddingFileFault({
      file: target,
      wanted: "a free name for the new file",
      found: "another file",
      fix: "Give another place with --out, or move that file away.",
    });
  }
  if (present === undefined) await writeAtomically(target, [bytes]);
  return target;
}
