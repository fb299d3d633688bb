// What the processor gets in other operators. Transposed convolutions, where the picture is large for its
// channels: measured in processor time of one thread, 0.73 at 64 x 64 of 640 channels, 0.81 at 128 x 128 of
// 320, 0.83 at 64 x 64 of 64, and 1.05 to 1.24 where turning the weight costs as much as the picture. And
// probabilities of captions' tokens, without those that are as good as 0.
// The trap: the weight is turned at each step. Kept, it would be a second copy of every convolution's; only a
// small model's are (small-model.ts).
import type { GraphBuilder } from "../graph/builder.ts";
import type { Node, Value } from "../graph/graph.ts";
import { joinHeads, product, splitHeads } from "../graph/tensor-ops.ts";
import type { Lowering } from "./lowering.ts";
import { turnedConv } from "./turned-conv.ts";

/** Pixels for each channel above which it pays. */
const worthwhile = 4;

function asItIs(g: GraphBuilder, node: Node) {
  g.nodes.push(node);
  return node.outputs;
}

function asConv(g: GraphBuilder, node: Node) {
  const turned = turnedConv(g, node);
  if (turned === undefined) return asItIs(g, node);
  return [g.apply("Conv", [node.inputs[0], turned.weight], turned.attributes)];
}

const convTranspose: Lowering = (g, node) => {
  const [x, w] = node.inputs;
  const [, , height, width] = x!.shape;
  const isLarge = height * width >= worthwhile * Math.max(w!.shape[0], w!.shape[1]);
  return isLarge ? asConv(g, node) : asItIs(g, node);
};

/** Captions have 77 tokens; over pixels a pass more would cost what it gains. */
const fewKeys = 128;

/**
 * Far below what a sum of probabilities in float32 can tell apart, and far above 1e-38: what is computed
 * with smaller numbers than that takes a processor ten times as long.
 */
const negligible = 1e-20;

function withoutNegligible(g: GraphBuilder, scores: Value): Value {
  const probabilities = g.apply("Softmax", [scores], { axis: -1 });
  const attributes = { bias: { float: 0 }, lambd: { float: negligible } };
  return g.apply("Shrink", [probabilities], attributes, { declared: [probabilities] });
}

/** Every Softmax of the networks is over the last axis. */
const softmax: Lowering = (g, node) => {
  const [scores] = node.inputs;
  if (scores!.shape.at(-1)! > fewKeys) return asItIs(g, node);
  return [withoutNegligible(g, scores!)];
};

/** ONNX Runtime's own keeps what is negligible. */
const multiHeadAttention: Lowering = (g, node) => {
  const [q, k, v] = node.inputs;
  if (k!.shape[1] > fewKeys) return asItIs(g, node);
  const heads = node.attributes.num_heads as number;
  const { float: alpha } = node.attributes.scale as { float: number };
  const [queries, keys, values] = [q, k, v].map((value) => splitHeads(g, value!, heads));
  const probabilities = withoutNegligible(g, product(g, queries, keys, { transB: 1, alpha }));
  return [joinHeads(g, g.apply("MatMul", [probabilities, values]))];
};

export const cpuLowerings: Readonly<Record<string, Lowering>> = {
  ConvTranspose: convTranspose,
  Softmax: softmax,
};

/** Of a graph that ONNX Runtime prepares: a weight is turned once, at load, and its copy laid out for Conv. */
export const preparedCpuLowerings: Readonly<Record<string, Lowering>> = {
  ConvTranspose: asConv,
  Softmax: softmax,
  MultiHeadAttention: multiHeadAttention,
};
