// The few shape-changing operators that both networks and gradient rules use.
import type { GraphBuilder } from "./builder.ts";
import type { Shape, Value } from "./graph.ts";

/** The adjoint of broadcasting: sums `value` down to `shape`. */
export function sumTo(g: GraphBuilder, value: Value, shape: Shape): Value {
  const lead = value.shape.length - shape.length;
  const axes = value.shape.flatMap((d, i) =>
    i < lead || (shape[i - lead] === 1 && d !== 1) ? [i] : []
  );
  if (axes.length === 0) return value;
  const sum = reduceSum(g, value, axes);
  return lead === 0 ? sum : reshape(g, sum, shape);
}

export interface ProductOptions {
  /** 1: the last two axes of a (or b) are swapped first. */
  readonly transA?: 0 | 1;
  readonly transB?: 0 | 1;
  /** 1: a (or b) is [rows, matrices, columns], and its first two axes are swapped before anything else. */
  readonly transBatchA?: 0 | 1;
  readonly transBatchB?: 0 | 1;
  /** What the product is multiplied by. */
  readonly alpha?: number;
}

/** alpha a b for stacks of matrices, without transposed copies. */
export const product = (
  g: GraphBuilder,
  a: Value,
  b: Value,
  { transA = 0, transB = 0, transBatchA = 0, transBatchB = 0, alpha = 1 }: ProductOptions = {},
): Value => {
  const turns = { transA, transB, transBatchA, transBatchB };
  return g.apply("FusedMatMul", [a, b], { ...turns, alpha: { float: alpha } }, {
    domain: "com.microsoft",
  });
};

export const reduceSum = (g: GraphBuilder, value: Value, axes: readonly number[]): Value =>
  g.apply("ReduceSum", [value, g.integers(axes)], { keepdims: 1 }, {
    declared: [{
      dtype: value.dtype,
      shape: value.shape.map((d, i) => axes.includes(i) ? 1 : d),
    }],
  });

export const reshape = (g: GraphBuilder, value: Value, shape: Shape): Value =>
  g.apply("Reshape", [value, g.integers(shape)], {}, {
    declared: [{ dtype: value.dtype, shape }],
  });

export const slice = (
  g: GraphBuilder,
  value: Value,
  axis: number,
  start: number,
  end: number,
): Value =>
  g.apply("Slice", [value, g.integers([start]), g.integers([end]), g.integers([axis])], {}, {
    declared: [{
      dtype: value.dtype,
      shape: value.shape.map((d, i) => i === axis ? end - start : d),
    }],
  });

/** A value in pieces of these sizes along an axis. */
export const split = (
  g: GraphBuilder,
  value: Value,
  axis: number,
  sizes: readonly number[],
): readonly Value[] =>
  g.applyAll("Split", [value, g.integers(sizes)], { axis }, {
    declared: sizes.map((size) => ({
      dtype: value.dtype,
      shape: value.shape.map((d, i) => i === axis ? size : d),
    })),
  });

/** [B, S, heads D] to [B, heads, S, D]. */
export function splitHeads(g: GraphBuilder, value: Value, heads: number): Value {
  const [batch, length, width] = value.shape;
  const split = reshape(g, value, [batch, length, heads, width / heads]);
  return g.apply("Transpose", [split], { perm: [0, 2, 1, 3] });
}

/** [B, heads, S, D] to [B, S, heads D]. */
export function joinHeads(g: GraphBuilder, value: Value): Value {
  const [batch, heads, length, depth] = value.shape;
  const turned = g.apply("Transpose", [value], { perm: [0, 2, 1, 3] });
  return reshape(g, turned, [batch, length, heads * depth]);
}

/** How many of a value's heads, [B, heads, ...], `bytes` hold at `perHead` each: at least one. */
export const headsIn = (bytes: number, perHead: number): number =>
  Math.max(1, Math.floor(bytes / perHead));

/** A value [B, heads, ...] as it is, or where it has more than `most` heads, cut to [n, ...]. */
export function cutHeads(g: GraphBuilder, value: Value, most: number): readonly Value[] {
  const [batch, heads, ...rest] = value.shape;
  const all = batch * heads;
  if (all <= most) return [value];
  const flat = reshape(g, value, [all, ...rest]);
  return Array.from(
    { length: Math.ceil(all / most) },
    (_, i) => slice(g, flat, 0, i * most, Math.min(all, (i + 1) * most)),
  );
}

/** What `cutHeads` cut, whole again. */
export const uniteHeads = (g: GraphBuilder, parts: readonly Value[], shape: Shape): Value =>
  parts.length === 1 ? parts[0] : reshape(g, g.apply("Concat", parts, { axis: 0 }), shape);
