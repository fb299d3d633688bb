// From the file that InvokeAI, ComfyUI and A1111/Forge load (`clip_l` and `clip_g` in one) to the pair of
// one-tensor files that diffusers loads, and back. diffusers calls the rows `token`, `token_1` ...
// The trap: dtype and metadata are kept, so that there and back gives the same bytes; keep it so.
import { basename, dirname, join } from "node:path";
import { tokenOf } from "./check-embedding.ts";
import { asRows, readPair } from "./diffusers-pair.ts";
import {
  EmbeddingFileFault,
  isCanonical,
  readEmbedding,
  requireCanonical,
} from "./embedding-file.ts";
import { isFolder, pairNames } from "./pair-files.ts";
import { writeEmbedding } from "./write-embedding.ts";

export interface ConvertOptions {
  /** A folder for the pair, a file for the other way; beside the input unless given. */
  readonly out?: string | undefined;
  /** What the embedding is called, unless the file says it. */
  readonly token?: string | undefined;
}

/** Where the new files are, and the token (in diffusers) or file name that they answer to. */
export interface Converted {
  readonly files: readonly string[];
  readonly token: string;
}

/** To the other form than the input's. Throws as the two functions it chooses from. */
export async function convertEmbedding(path: string, options?: ConvertOptions): Promise<Converted> {
  const isOne = !await isFolder(path) && isCanonical(await readEmbedding(path));
  return await (isOne ? toDiffusersPair : toCanonical)(path, options);
}

/** One file to a pair. Throws EmbeddingFileFault and what reading and writing throw. */
export async function toDiffusersPair(
  path: string,
  { out, token }: ConvertOptions = {},
): Promise<Converted> {
  const file = await readEmbedding(path);
  requireCanonical(
    file,
    "Only a file with both can be split; `--to canonical` makes one of diffusers' pair.",
  );
  const name = token ?? tokenOf(file);
  // The one key of a header that is no tensor's.
  if (name.trim() === "" || name === "__metadata__") {
    throw new EmbeddingFileFault({
      file: path,
      wanted: "a word for the embedding to be called by",
      found: JSON.stringify(name),
      fix: "Give one with --token.",
    });
  }
  const folder = out ?? join(dirname(path), `${file.stem}-diffusers`);
  const files: string[] = [];
  for (const [i, encoder] of (["clip_l", "clip_g"] as const).entries()) {
    const rows = asRows(file.tensors.find((tensor) => tensor.name === encoder)!);
    files.push(await writeEmbedding(join(folder, pairNames[i]), { [name]: rows }, file.metadata));
  }
  return { files, token: name };
}

/** A pair to one file; `path` is its folder or either file. Throws as `toDiffusersPair`. */
export async function toCanonical(
  path: string,
  { out, token }: ConvertOptions = {},
): Promise<Converted> {
  if (out !== undefined && !/\.safetensors$/i.test(out)) {
    throw new EmbeddingFileFault({
      file: out,
      wanted: "a file whose name ends in .safetensors, which clients go by",
      found: "another name",
      fix: `Write --out ${out}.safetensors.`,
    });
  }
  const pair = await readPair(path);
  const stem = (token ?? pair.token).replace(/[^A-Za-z0-9_]/g, "") || "embedding";
  const target = out ?? join(pair.folder, `${stem}.safetensors`);
  await writeEmbedding(target, { clip_l: pair.clip_l, clip_g: pair.clip_g }, pair.metadata);
  return { files: [target], token: basename(target).replace(/\.safetensors$/, "") };
}
