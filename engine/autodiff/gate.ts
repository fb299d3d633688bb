// A zero that depends on `after`: adding it to a value makes whatever is computed from the sum wait for
// `after`. ONNX Runtime orders nodes depth-first from the outputs, so without it a recomputed value is
// computed early and kept, which saves nothing (measured). It survives every graph optimiser, because
// s * 0 is not 0 for every s.
// The trap: where s is not finite it is no number, and what waits is none either. So whoever waits must be a
// part of what would not be finite anyway.
import type { GraphBuilder } from "../graph/builder.ts";
import type { Value } from "../graph/graph.ts";
import { reshape } from "../graph/tensor-ops.ts";

function cornerOf(g: GraphBuilder, value: Value, rank: number): Value {
  const axes = value.shape.length;
  const zeros = g.integers(Array(axes).fill(0));
  const ones = g.integers(Array(axes).fill(1));
  const corner = g.apply("Slice", [value, zeros, ones], {}, {
    declared: [{ dtype: value.dtype, shape: Array(axes).fill(1) }],
  });
  return axes <= rank ? corner : reshape(g, corner, [1]);
}

/** Broadcasts to every value of at least `rank` axes; waits for all of `after`. */
export function zeroAfter(g: GraphBuilder, rank: number, ...after: readonly Value[]): Value {
  // Each is multiplied in turn: summed first, what float16 holds apart could overflow, and 0 times that is
  // no number.
  return after.map((value) => cornerOf(g, value, rank))
    .reduce(
      (zero, corner) => g.apply("Mul", [corner, zero]),
      g.constant([0], [], after[0].dtype),
    );
}

/** `value`, but not before all of `after` is computed. */
export const gate = (g: GraphBuilder, value: Value, ...after: readonly Value[]): Value =>
  g.apply("Add", [value, zeroAfter(g, value.shape.length, ...after)]);
