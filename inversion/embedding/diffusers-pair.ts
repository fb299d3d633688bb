// Reads diffusers' form of an embedding: two files of one tensor each, `token` [vectors, width], one for
// each text encoder; or, as some trainers write, of several one-row tensors `token`, `token_1` ...
// The trap: which half is which shows only in the width; two halves of equal width are told by name.
import { basename, dirname, resolve } from "node:path";
import type { StoredDType } from "../../lib/safetensors/dtype.ts";
import {
  type EmbeddingFile,
  EmbeddingFileFault,
  type EmbeddingTensor,
  isCanonical,
  readEmbedding,
  widthOf,
} from "./embedding-file.ts";
import { isFolder, pairNames, readHalves } from "./pair-files.ts";
import { metadataKeys } from "../metadata-keys.ts";

/** Rows [vectors, width] in one of the dtypes that every client reads. */
export interface Rows {
  readonly dtype: StoredDType;
  readonly shape: readonly [vectors: number, width: number];
  readonly data: Float32Array;
}

export interface DiffusersPair {
  readonly clip_l: Rows;
  readonly clip_g: Rows;
  readonly token: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** Where one file made of both belongs: beside the pair's own folder, or beside the pair. */
  readonly folder: string;
}

/** `path` is the pair's folder or either file. Throws EmbeddingFileFault and as `readEmbedding`. */
export async function readPair(path: string): Promise<DiffusersPair> {
  if (!await isFolder(path) && isCanonical(await readEmbedding(path))) {
    throw new EmbeddingFileFault({
      file: path,
      wanted: "a file of diffusers' pair",
      found: "one file with clip_l and clip_g",
      fix: "It is in that form already; `--to diffusers` makes the pair.",
    });
  }
  const [one, two] = await readHalves(path);
  const [clip_l, clip_g] = [joinRows(one), joinRows(two)];
  if (clip_l.shape[0] !== clip_g.shape[0]) {
    throw new EmbeddingFileFault({
      file: two.path,
      wanted: `as many vectors as in ${basename(one.path)} (${clip_l.shape[0]})`,
      found: String(clip_g.shape[0]),
      fix: "The two files are not of one embedding: find the right one.",
    });
  }
  const own = dirname(resolve(one.path));
  const names: readonly string[] = pairNames;
  const folder = names.includes(basename(one.path)) ? dirname(own) : own;
  const token = one.metadata[metadataKeys.trigger] ?? firstName(one);
  return { clip_l, clip_g, token, metadata: one.metadata, folder };
}

/** `token` of `token`, `token_1`, `token_2` ... */
const firstName = ({ tensors }: EmbeddingFile): string =>
  tensors.map(({ name }) => name).toSorted((a, b) => a.length - b.length)[0];

/** Float16, bfloat16 and float32 stay, others become float32. */
export function asRows({ dtype, shape, values }: EmbeddingTensor): Rows {
  const kept = dtype === "F16" || dtype === "BF16" ? dtype : "F32";
  const width = shape.at(-1)!;
  return { dtype: kept, shape: [values.length / width, width], data: values };
}

function joinRows(file: EmbeddingFile): Rows {
  const { path, tensors } = file;
  const [first] = tensors;
  if (tensors.length === 1) return asRows(first);
  const token = firstName(file);
  const ordered = tensors.map((_, i) =>
    tensors.find(({ name }) => name === (i === 0 ? token : `${token}_${i}`))
  );
  const width = widthOf(file);
  if (!ordered.every((row) => row?.values.length === width && row.dtype === first.dtype)) {
    throw new EmbeddingFileFault({
      file: path,
      wanted:
        "one tensor [vectors, width], or tensors `token`, `token_1`, `token_2` ... of one row",
      found: tensors.map(({ name, shape }) => `${name} [${shape}]`).join(", "),
      fix: "Name the folder or the first file of diffusers' pair.",
    });
  }
  const values = new Float32Array(width * tensors.length);
  ordered.forEach((row, i) => values.set(row!.values, i * width));
  return asRows({ ...first, shape: [tensors.length, width], values });
}
