// Whether a model is so small that copies of its weights do not matter: then ONNX Runtime prepares its graphs
// for speed on the processor too. Measured on the sample, batch 4: 0.9 of a step's processor time, for 0.4 s
// more at load; on a large model the same costs ten seconds and a second copy of all weights.
// The trap: the last bits of what is computed hang on it, so nothing may go into it but the model.
import { sizeOf } from "../graph/graph.ts";
import type { Model } from "./model.ts";

const mostBytes = 64 * 2 ** 20;

/** Bytes of the weights that a step reads, in float32. */
function weightBytes({ weights }: Pick<Model, "weights">): number {
  const { textEncoder, textEncoder2, unet } = weights;
  const views = [textEncoder, textEncoder2, unet].flatMap((table) => [...table.values()]);
  return views.reduce((sum, { shape }) => sum + 4 * sizeOf(shape), 0);
}

export const isSmall = (model: Pick<Model, "weights">): boolean => weightBytes(model) <= mostBytes;

/** Bytes that preparing a small model's graphs takes: converted, blocked and packed copies (measured). */
export const copiesOf = (model: Pick<Model, "weights">): number =>
  isSmall(model) ? 3 * weightBytes(model) : 0;
