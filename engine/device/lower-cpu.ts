// What the processor gets in other operators. Transposed convolutions, where the picture is large for its
// channels: measured in processor time of one thread, 0.73 at 64 x 64 of 640 channels, 0.81 at 128 x 128 of
// 320, 0.83 at 64 x 64 of 64, and 1.05 to 1.24 where turning the weight costs as much as the picture. And
// probabilities of captions' tokens, without those that are as good as 0.
// The trap: the weight is turned at each step. Kept, it would be a second copy of every convolution's.
import type { Lowering } from "./lowering.ts";
import { turnedConv } from "./turned-conv.ts";

/** Pixels for each channel above which it pays. */
const worthwhile = 4;

const convTranspose: Lowering = (g, node) => {
  const [x, w] = node.inputs;
  const [, , height, width] = x!.shape;
  const isLarge = height * width >= worthwhile * Math.max(w!.shape[0], w!.shape[1]);
  const turned = isLarge ? turnedConv(g, node) : undefined;
  if (turned !== undefined) return [g.apply("Conv", [x, turned.weight], turned.attributes)];
  g.nodes.push(node);
  return node.outputs;
};

/** Captions have 77 tokens; over pixels a pass more would cost what it gains. */
const fewKeys = 128;

/**
 * Far below what a sum of probabilities in float32 can tell apart, and far above 1e-38: what is computed
 * with smaller numbers than that takes a processor ten times as long.
 */
const negligible = 1e-20;

const softmax: Lowering = (g, node) => {
  const [{ dtype, shape }] = node.outputs;
  if (shape[shape.length - 1] > fewKeys) {
    g.nodes.push(node);
    return node.outputs;
  }
  const probabilities = g.apply("Softmax", node.inputs, node.attributes);
  const attributes = { bias: { float: 0 }, lambd: { float: negligible } };
  return [g.apply("Shrink", [probabilities], attributes, { declared: [{ dtype, shape }] })];
};

export const cpuLowerings: Readonly<Record<string, Lowering>> = {
  ConvTranspose: convTranspose,
  Softmax: softmax,
};
