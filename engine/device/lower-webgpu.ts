// What WebGPU gets in other operators (ONNX Runtime 1.30, measured): its MultiHeadAttention is off by 10 %
// from 17 positions on, transposed convolutions are naive loops, FusedMatMul would run on the CPU with
// copies there and back, and convolutions of 6, 9, 15, 30 ... channels are wrong without a word.
// The trap: all of that is of this version; another one is to be measured anew.
import { type GraphBuilder, sizeInBytes } from "../graph/builder.ts";
import { type Node, type Shape, sizeOf, type Value } from "../graph/graph.ts";
import {
  cutHeads,
  headsIn,
  joinHeads,
  slice,
  splitHeads,
  uniteHeads,
} from "../graph/tensor-ops.ts";
import type { Lowering } from "./lowering.ts";
import { turnedConv } from "./turned-conv.ts";

/** Attention goes in chunks of so many bytes, so that no card has to hold all probabilities. */
const largestChunk = 64 * 2 ** 20;

const swapLast = (g: GraphBuilder, value: Value): Value => {
  const rank = value.shape.length;
  const perm = [...Array(rank - 2).keys(), rank - 1, rank - 2];
  return g.apply("Transpose", [value], { perm });
};

const scaled = (g: GraphBuilder, value: Value, by: number): Value =>
  by === 1 ? value : g.apply("Mul", [value, g.constant([by], [], value.dtype)]);

/** What a product reads of a value, by `transBatch` and `trans`: one copy at most. */
function turned(g: GraphBuilder, value: Value, batch: boolean, matrix: boolean): Value {
  if (!batch) return matrix ? swapLast(g, value) : value;
  const rank = value.shape.length;
  const others = Array.from({ length: rank - 2 }, (_, i) => i + 1);
  return g.apply("Transpose", [value], {
    perm: [...others, ...(matrix ? [rank - 1, 0] : [0, rank - 1])],
  });
}

/** Of a' b with a large a, as (b' a)', or of a b' with a large b, as (b a')': what is copied is small. */
function ofLarge(g: GraphBuilder, a: Value, b: Value, y: Value, attributes: Node["attributes"]) {
  const { transA, transB, transBatchA, transBatchB } = attributes;
  const isLarge = (one: Value, other: Value) =>
    sizeOf(one.shape) > sizeOf(other.shape) + sizeOf(y.shape);
  if (isLarge(a, b) && transA === 1 && transB !== 1 && transBatchA !== 1) {
    return swapLast(g, g.apply("MatMul", [turned(g, b, transBatchB === 1, true), a]));
  }
  if (isLarge(b, a) && transB === 1 && transBatchB !== 1) {
    return swapLast(g, g.apply("MatMul", [b, turned(g, a, transBatchA === 1, transA !== 1)]));
  }
}

const fusedMatMul: Lowering = (g, { inputs: [a, b], outputs: [y], attributes }) => {
  const { float: alpha } = attributes.alpha as { float: number };
  const { transA, transB } = attributes;
  const instead = ofLarge(g, a!, b!, y, attributes);
  if (instead !== undefined) return [scaled(g, instead, alpha)];
  // The scale goes where least is multiplied by it: scores are far larger than what they are of.
  const sizes = [a!, b!, y].map(({ shape }) => sizeOf(shape));
  const least = sizes.indexOf(Math.min(...sizes));
  const by = (place: number) => place === least ? alpha : 1;
  const left = turned(g, scaled(g, a!, by(0)), attributes.transBatchA === 1, transA === 1);
  const right = turned(g, scaled(g, b!, by(1)), attributes.transBatchB === 1, transB === 1);
  return [scaled(g, g.apply("MatMul", [left, right]), by(2))];
};

const multiHeadAttention: Lowering = (g, { inputs, attributes }) => {
  const heads = attributes.num_heads as number;
  const { float: scale } = attributes.scale as { float: number };
  const [q, k, v] = inputs.map((value) => splitHeads(g, value!, heads));
  const most = headsIn(largestChunk, sizeInBytes({ ...q, shape: [q.shape[2], k.shape[2]] }));
  const [qs, ks, vs] = [q, k, v].map((value) => cutHeads(g, value, most));
  const parts = qs.map((part, i) => {
    const scores = g.apply("MatMul", [scaled(g, part, scale), swapLast(g, ks[i])]);
    const probabilities = g.apply("Softmax", [scores], { axis: -1 });
    return g.apply("MatMul", [probabilities, vs[i]]);
  });
  return [joinHeads(g, uniteHeads(g, parts, q.shape))];
};

/** 1.30 computes wrongly, and silently, with so many input channels unless the kernel has one element. */
const isWrong = ([, channels]: Shape, [, , ...kernel]: Shape): boolean =>
  channels > 3 && channels % 3 === 0 && channels % 4 !== 0 && kernel.some((size) => size > 1);

/** A convolution, with channels of zeros where their number would be computed wrongly. */
function conv(
  g: GraphBuilder,
  [x, weight, ...bias]: readonly (Value | null)[],
  attributes: Node["attributes"],
): Value {
  const [a, b] = [x!, weight!];
  if (!isWrong(a.shape, b.shape)) return g.apply("Conv", [a, b, ...bias], attributes);
  const padded = (value: Value) => {
    const shape = value.shape.map((size, axis) => axis === 1 ? 4 - size % 4 : size);
    return g.apply("Concat", [value, g.filled(0, shape, value.dtype)], { axis: 1 });
  };
  return g.apply("Conv", [padded(a), padded(b), ...bias], attributes);
}

const convLowering: Lowering = (g, { inputs, attributes }) => [conv(g, inputs, attributes)];

const convTranspose: Lowering = (g, node) => {
  const turned = turnedConv(g, node);
  if (turned !== undefined) return [conv(g, [node.inputs[0], turned.weight], turned.attributes)];
  g.nodes.push(node);
  return node.outputs;
};

/** A shader binds every result, and some cards bind eight buffers. */
const split: Lowering = (g, { inputs: [x], outputs, attributes }) => {
  const axis = attributes.axis as number;
  let start = 0;
  return outputs.map(({ shape }) => slice(g, x!, axis, start, start += shape[axis]));
};

export const webgpuLowerings: Readonly<Record<string, Lowering>> = {
  FusedMatMul: fusedMatMul,
  MultiHeadAttention: multiHeadAttention,
  Conv: convLowering,
  ConvTranspose: convTranspose,
  Split: split,
};
