// The two files of diffusers' form of an embedding: what they are called, and both from either.
// The trap: which is for which text encoder shows only in the width.
import { basename, join } from "node:path";
import { kindOf } from "../../lib/plain-files.ts";
import { sdxlWidths } from "./clients.ts";
import {
  type EmbeddingFile,
  EmbeddingFileFault,
  readEmbedding,
  widthOf,
} from "./embedding-file.ts";

/** The names that diffusers looks for in a folder. */
export const pairNames = ["learned_embeds.safetensors", "learned_embeds_2.safetensors"] as const;

export const isFolder = async (path: string): Promise<boolean> => await kindOf(path) === "folder";

/** `x.safetensors` and `x_2.safetensors`, from either; checkpoints are `x-steps-9`, `x_2-steps-9`. */
const partners = (path: string): readonly string[] =>
  ["", "_2"].map((half) =>
    path.replace(
      /(?:_2)?(-steps-\d+)?(\.safetensors)?$/i,
      (_, steps = "", ending = "") => half + steps + ending,
    )
  );

/** Both halves, the narrow one first; `path` is their folder or either. Throws EmbeddingFileFault. */
export async function readHalves(
  path: string,
): Promise<readonly [narrow: EmbeddingFile, wide: EmbeddingFile]> {
  const inFolder = await isFolder(path);
  const paths = inFolder ? pairNames.map((name) => join(path, name)) : partners(path);
  const names = paths.map((half) => basename(half)).join(" and ");
  const kinds = await Promise.all(paths.map(kindOf));
  const absent = paths.filter((_, i) => kinds[i] === null).map((half) => basename(half));
  if (absent.length > 0) {
    throw new EmbeddingFileFault({
      file: path,
      wanted: `diffusers' pair, ${names}, or one file with clip_l and clip_g`,
      found: `no ${absent.join(", no ")}`,
      fix: inFolder
        ? "Name the folder of a pair, or the file of the embedding."
        : "Name a pair's folder, or either of its files beside the other. An embedding of SD 1 or " +
          "SD 2 has rows for one text encoder, and SDXL needs them for two.",
    });
  }
  const both = await Promise.all([readEmbedding(paths[0]), readEmbedding(paths[1])]);
  const [one, two] = both.toSorted((a, b) => widthOf(a) - widthOf(b));
  if (widthOf(one) === widthOf(two) && Object.values<number>(sdxlWidths).includes(widthOf(one))) {
    throw new EmbeddingFileFault({
      file: two.path,
      wanted: `rows of widths ${Object.values(sdxlWidths).join(" and ")} in ${names}`,
      found: `${widthOf(one)} and ${widthOf(two)}`,
      fix: "The two files are not of one embedding: find the right one.",
    });
  }
  return [one, two];
}
