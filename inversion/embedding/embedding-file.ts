// A textual-inversion file as it lies on disk, of whatever form: its tensors, its metadata and its name,
// from which most clients make the word that triggers it.
// The trap: a checkpoint is a .safetensors too, so the header is judged before any tensor is read.
import { basename } from "node:path";
import type { StoredDType } from "../../lib/safetensors/dtype.ts";
import { readHeader, readTensor } from "../../lib/safetensors/safetensors.ts";
import type { WeightView } from "../../lib/safetensors/weight-view.ts";
import { fault } from "../../lib/fault.ts";

export class EmbeddingFileFault extends fault("EmbeddingFileFault", "user") {}

export interface EmbeddingTensor {
  readonly name: string;
  readonly dtype: StoredDType;
  /** [vectors, width], or [width] in files of some trainers. */
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

export interface EmbeddingFile {
  readonly path: string;
  /** The file's name without .safetensors. */
  readonly stem: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** In the file's order. */
  readonly tensors: readonly EmbeddingTensor[];
}

const canonicalNames = ["clip_l", "clip_g"];

/** The form that most clients load: both encoders' rows in one file. */
export const isCanonical = ({ tensors }: EmbeddingFile): boolean =>
  canonicalNames.every((name) => tensors.some((tensor) => tensor.name === name));

/** Throws EmbeddingFileFault where it has another form; `fix` says what to do about it. */
export function requireCanonical(
  file: EmbeddingFile,
  fix = "Bring it into one file: `embedding convert FILE --to canonical`.",
): void {
  if (isCanonical(file)) return;
  throw new EmbeddingFileFault({
    file: file.path,
    wanted: "both clip_l and clip_g",
    found: file.tensors.map(({ name }) => name).join(", "),
    fix,
  });
}

export const widthOf = ({ tensors }: EmbeddingFile): number => tensors[0].shape.at(-1)!;

const mostBytes = 64 << 20;
const floats: ReadonlySet<StoredDType> = new Set([
  "F64",
  "F32",
  "F16",
  "BF16",
  "F8_E4M3",
  "F8_E5M2",
]);

const isOdd = ({ dtype, shape }: WeightView): boolean =>
  !floats.has(dtype) || shape.length === 0 || shape.length > 2 || shape.includes(0);

/** Throws EmbeddingFileFault, and what `readHeader` throws (no such file, a pickle, cut short). */
export async function readEmbedding(path: string): Promise<EmbeddingFile> {
  const { tensors, metadata } = await readHeader(path);
  const all = [...tensors.values()];
  // Beside both encoders' rows some tools keep a step or the like, which clients do not look at.
  const views = canonicalNames.every((name) => tensors.has(name))
    ? all.filter((view) => canonicalNames.includes(view.name) || !isOdd(view))
    : all;
  const bytes = views.reduce((sum, view) => sum + view.bytes, 0);
  const odd = views.find(isOdd);
  if (views.length === 0 || views.length > 150 || bytes > mostBytes || odd !== undefined) {
    throw new EmbeddingFileFault({
      file: path,
      ...(odd === undefined ? {} : { tensor: odd.name }),
      wanted: "a textual-inversion embedding: a few tensors of shape [vectors, width]",
      found: odd !== undefined
        ? `${odd.dtype} of shape [${odd.shape}]`
        : `${views.length} tensors of ${bytes} bytes in all`,
      fix: "Name an embedding file; a model, a LoRA or a VAE is not one.",
    });
  }
  const read = await Promise.all(views.map(async (view) => ({
    name: view.name,
    dtype: view.dtype,
    shape: view.shape,
    values: await readTensor(view),
  })));
  return { path, stem: basename(path).replace(/\.safetensors$/i, ""), metadata, tensors: read };
}
