// Nearest-neighbour upsampling, and the convolution after it. Doubling is a Resize; any other size
// (the skip's size, where a level is odd) is done with 0/1 selection matrices, whose adjoint is exact.
// The trap: PyTorch works out source indices in float32.
import type { GraphBuilder } from "../graph/builder.ts";
import type { Value } from "../graph/graph.ts";

/** x [B, C, h, w] to [B, C, height, width]. */
export function upsampleNearest(g: GraphBuilder, x: Value, height: number, width: number): Value {
  const [batch, channels, h, w] = x.shape;
  if (height === 2 * h && width === 2 * w) {
    const sizes = g.integers([batch, channels, height, width]);
    const attributes = {
      mode: "nearest",
      coordinate_transformation_mode: "asymmetric",
      nearest_mode: "floor",
    };
    return g.apply("Resize", [x, null, null, sizes], attributes, {
      declared: [{ dtype: x.dtype, shape: [batch, channels, height, width] }],
    });
  }
  const wide = g.apply("MatMul", [x, g.constant(selection(w, width, true), [w, width])]);
  return g.apply("MatMul", [g.constant(selection(h, height, false), [height, h]), wide]);
}

function selection(from: number, to: number, transposed: boolean): number[] {
  const matrix = Array<number>(from * to).fill(0);
  const scale = Math.fround(from / to);
  for (let target = 0; target < to; target++) {
    const source = Math.min(from - 1, Math.floor(Math.fround(target * scale)));
    matrix[transposed ? source * to + target : target * from + source] = 1;
  }
  return matrix;
}
