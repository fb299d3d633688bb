// What the rows begin as: the rows of given tokens (an initializer word, a phrase), or of an embedding file;
// after a word's first row the rest may be other rows than that word's.
// The trap: a file holds as many vectors as it holds; `num_vectors` must agree.
import type { TokenEmbeddings } from "../../engine/text/token-embeddings.ts";
import { readEmbedding } from "../../inversion/embedding/embedding-file.ts";
import { fault } from "../../lib/fault.ts";
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

/** What rows after the first begin as; `repeat`: as the first. */
export type Rest = "repeat" | "mean" | "end";

/**
 * The first of `rows` with others after it: the mean of the vocabulary, or the row of the token that ends
 * texts (`endIds`, one an encoder).
 */
export const withRest = async (
  rows: EncoderPair,
  rest: Rest,
  tokens: readonly [TokenEmbeddings, TokenEmbeddings],
  endIds: readonly [number, number],
): Promise<EncoderPair> => {
  if (rest === "repeat") return rows;
  const filled = async (encoder: 0 | 1) => {
    const { width } = tokens[encoder];
    const other = rest === "mean"
      ? await meanRow(tokens[encoder])
      : await tokens[encoder].row(endIds[encoder]);
    const all = rows[encoder].slice();
    for (let at = width; at < all.length; at += width) all.set(other, at);
    return all;
  };
  return [await filled(0), await filled(1)];
};

/** Summed in order, in float64: the same bytes on every machine. */
async function meanRow(tokens: TokenEmbeddings): Promise<Float64Array> {
  const { width, vocabularySize } = tokens;
  const sum = new Float64Array(width);
  for await (const { values } of tokens.blocks()) {
    for (let i = 0; i < values.length; i++) sum[i % width] += values[i];
  }
  return sum.map((value) => value / vocabularySize);
}

/** Rows of an embedding file (clip_l, clip_g). Throws InitialRowsFault, and what readEmbedding throws. */
export async function rowsOfFile(
  file: string,
  widths: readonly [number, number],
  vectors: number,
): Promise<EncoderPair> {
  const { tensors } = await readEmbedding(file);
  const rows = (name: string, width: number): Float64Array => {
    const tensor = tensors.find((each) => each.name === name);
    const [found, columns] = tensor?.shape.length === 1
      ? [1, tensor.shape[0]]
      : tensor?.shape ?? [0, 0];
    if (found === vectors && columns === width) {
      if (tensor!.values.every(Number.isFinite)) return Float64Array.from(tensor!.values);
      throw new InitialRowsFault({
        file,
        tensor: name,
        wanted: "finite values to begin with",
        found: "NaN or infinity",
        fix: "Take an earlier checkpoint of its training.",
      });
    }
    throw new InitialRowsFault({
      file,
      tensor: name,
      wanted: `shape [${vectors}, ${width}], num_vectors rows of this model's width`,
      found: tensor === undefined ? "no such tensor" : `[${tensor.shape}]`,
      fix: tensor === undefined
        ? "Give an SDXL embedding; `embedding convert` makes one of a diffusers pair."
        : columns === width
        ? `Set num_vectors to ${found}.`
        : "Give an embedding that was made for a model of this width.",
    });
  };
  return [rows("clip_l", widths[0]), rows("clip_g", widths[1])];
}
