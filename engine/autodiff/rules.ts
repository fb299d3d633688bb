// The one table from operator to gradient rule. A rule gets the node and the gradients of its outputs,
// and gives the gradients of its inputs (null or missing: none). Frozen inputs (weights, norms' scales,
// biases) have no gradient. Each rule is checked against finite differences in rules.test.ts.
import type { GraphBuilder } from "../graph/builder.ts";
import type { Attribute, Value } from "../graph/graph.ts";
import { product, reduceSum, reshape, slice, sumTo } from "../graph/tensor-ops.ts";
import { attentionRule } from "./attention-rule.ts";
import { convRule } from "./conv-rule.ts";
import { geluRule } from "./gelu-rule.ts";
import type { GradientRule } from "./gradient-rule.ts";
import { layerNormRule } from "./layer-norm-rule.ts";

const list = (attribute: Attribute): readonly number[] => attribute as readonly number[];
const times = (g: GraphBuilder, a: Value, b: Value) => g.apply("Mul", [a, b]);
const scaled = (g: GraphBuilder, a: Value, by: number) =>
  times(g, a, g.constant([by], [], a.dtype));
const add: GradientRule = ({ g, wants }, { inputs: [a, b] }, [dy]) => [
  wants(a) ? sumTo(g, dy!, a!.shape) : null,
  wants(b) ? sumTo(g, dy!, b!.shape) : null,
];

const subtract: GradientRule = ({ g, wants }, { inputs: [a, b] }, [dy]) => [
  wants(a) ? sumTo(g, dy!, a!.shape) : null,
  wants(b) ? g.apply("Neg", [sumTo(g, dy!, b!.shape)]) : null,
];

const multiply: GradientRule = ({ g, wants, kept }, { inputs: [a, b] }, [dy]) => [
  wants(a) ? sumTo(g, times(g, dy!, kept(b!)), a!.shape) : null,
  wants(b) ? sumTo(g, times(g, dy!, kept(a!)), b!.shape) : null,
];

/** y = alpha a b, or alpha a b'. */
const matMul: GradientRule = ({ g, wants, kept }, { inputs: [a, b], attributes }, [dy]) => {
  const { float: alpha } = (attributes.alpha ?? { float: 1 }) as { float: number };
  const turned = attributes.transB === 1;
  const [left, right] = turned ? [dy!, kept(a!)] : [kept(a!), dy!];
  return [
    wants(a)
      ? sumTo(g, product(g, dy!, kept(b!), { transB: turned ? 0 : 1, alpha }), a!.shape)
      : null,
    wants(b) ? sumTo(g, product(g, left, right, { transA: 1, alpha }), b!.shape) : null,
  ];
};

/** y = x W (+ b), W frozen. */
const gemm: GradientRule = ({ g }, { inputs: [, w], attributes }, [dy]) => [
  g.apply("Gemm", [dy!, g.weightAgain(w!)], { transB: attributes.transB === 1 ? 0 : 1 }),
];

/** y = softmax(x): dx = y (dy - sum(y dy)). */
const softmax: GradientRule = ({ g, kept }, { outputs: [y] }, [dy]) => {
  const weighted = times(g, dy!, kept(y));
  const sum = reduceSum(g, weighted, [y.shape.length - 1]);
  return [g.apply("Sub", [weighted, times(g, kept(y), sum)])];
};

/**
 * y = x s(a x), s the sigmoid: dx = dy s(a x) (1 + a x s(-a x)). With a = 1 this is SiLU. x s(-x) is a
 * QuickGelu itself, of -1.
 */
const quickGelu: GradientRule = ({ g, kept }, { inputs: [x], attributes, domain }, [dy]) => {
  const alpha = (attributes.alpha as { float: number }).float;
  const scaledX = alpha === 1 ? kept(x!) : scaled(g, kept(x!), alpha);
  const rest = g.apply("QuickGelu", [scaledX], { alpha: { float: -1 } }, { domain });
  const straight = times(g, dy!, g.apply("Sigmoid", [scaledX]));
  return [g.apply("Add", [straight, times(g, straight, rest)])];
};

const transposeRule: GradientRule = ({ g }, { attributes }, [dy]) => {
  const perm = list(attributes.perm);
  return [g.apply("Transpose", [dy!], { perm: perm.map((_, i) => perm.indexOf(i)) })];
};

const concat: GradientRule = ({ g, wants }, { inputs, attributes }, [dy]) => {
  const axis = attributes.axis as number;
  let start = 0;
  return inputs.map((value) => {
    const end = start + value!.shape[axis];
    const part = wants(value) ? slice(g, dy!, axis, start, end) : null;
    start = end;
    return part;
  });
};

/** Nearest-neighbour doubling: every input feeds four outputs. */
const resize: GradientRule = ({ g }, _node, [dy]) => {
  const pooled = g.apply("AveragePool", [dy!], { kernel_shape: [2, 2], strides: [2, 2] });
  return [scaled(g, pooled, 4)];
};

const reduceSumRule: GradientRule = ({ g }, { inputs: [x] }, [dy]) => [
  g.apply("Expand", [dy!, g.integers(x!.shape)], {}, {
    declared: [{ dtype: dy!.dtype, shape: x!.shape }],
  }),
];

export const gradientRules: Readonly<Record<string, GradientRule>> = {
  Add: add,
  Sub: subtract,
  Mul: multiply,
  MatMul: matMul,
  FusedMatMul: matMul,
  Gemm: gemm,
  Conv: convRule,
  LayerNormalization: layerNormRule,
  Softmax: softmax,
  MultiHeadAttention: attentionRule,
  Gelu: geluRule,
  QuickGelu: quickGelu,
  Reshape: ({ g }, { inputs: [x] }, [dy]) => [reshape(g, dy!, x!.shape)],
  Transpose: transposeRule,
  Concat: concat,
  Resize: resize,
  ReduceSum: reduceSumRule,
  Cast: ({ g }, { inputs: [x] }, [dy]) => [g.cast(dy!, x!.dtype)],
};
