// What the rows begin as: the rows of given tokens (an initializer word, a phrase), or of an embedding file.
// The trap: a file holds as many vectors as it holds; `num_vectors` must agree.
import type { TokenEmbeddings } from "../../engine/text/token-embeddings.ts";
import { fault } from "../../engine/fault.ts";
import { readSafetensors } from "../../engine/weights/safetensors.ts";
import type { EncoderPair } from "./training-state.ts";

export class InitialRowsFault extends fault("InitialRowsFault", "user") {}

type Pair = readonly [readonly number[], readonly number[]];

/** Rows of frozen tokens, [ids * width] for each encoder. */
export const rowsOfTokens = async (
  tokens: readonly [TokenEmbeddings, TokenEmbeddings],
  ids: Pair,
): Promise<EncoderPair> => {
  const rows = async (encoder: 0 | 1) => {
    const { width } = tokens[encoder];
    const all = new Float64Array(ids[encoder].length * width);
    const parts = await Promise.all(ids[encoder].map((id) => tokens[encoder].row(id)));
    parts.forEach((part, i) => all.set(part, i * width));
    return all;
  };
  return [await rows(0), await rows(1)];
};

/** Rows of an embedding file (clip_l, clip_g). Throws InitialRowsFault, WeightsFileFault. */
export async function rowsOfFile(
  file: string,
  widths: readonly [number, number],
  vectors: number,
): Promise<EncoderPair> {
  const tensors = await readSafetensors(file);
  const rows = (name: string, width: number): Float64Array => {
    const tensor = tensors.get(name);
    if (tensor?.shape.length === 2 && tensor.shape[0] === vectors && tensor.shape[1] === width) {
      return Float64Array.from(tensor.data as never, Number);
    }
    throw new InitialRowsFault({
      file,
      tensor: name,
      wanted: `shape [${vectors}, ${width}], num_vectors rows of this model's width`,
      found: tensor === undefined ? "no such tensor" : `[${tensor.shape}]`,
      fix: tensor === undefined
        ? "Give an SDXL embedding; `embedding convert` makes one of a diffusers pair."
        : "Set num_vectors to the file's number of vectors.",
    });
  };
  return [rows("clip_l", widths[0]), rows("clip_g", widths[1])];
}
