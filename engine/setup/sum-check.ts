// Does a device add up well? Products of some ten thousand terms, of both signs and of one, against sums in
// float64. A kernel that adds in float16 is off by per cents there, and by tens of per cents where all terms
// have one sign; a network of the self-check's size cannot see that.
// The trap: operands are inputs, as whatever hangs on weights alone may be computed elsewhere, once.
import type { Loader } from "../device/device.ts";
import type { Feeds } from "../device/messages.ts";
import { GraphBuilder } from "../graph/builder.ts";
import { type DType, type Graph, type Shape, sizeOf } from "../graph/graph.ts";
import { relativeError } from "../probe/compare.ts";
import { uniforms } from "../random/draw.ts";

/** A float32 sum that is rounded to float16 once is off by a tenth of this. */
export const sumTolerance = 2e-3;

const inner = 10240;
const side = 24;
const channels = 1152;

interface Product {
  readonly shapes: readonly [Shape, Shape];
  readonly apply: (g: GraphBuilder, operands: Parameters<GraphBuilder["apply"]>[1]) => ReturnType<
    GraphBuilder["apply"]
  >;
  readonly exact: (a: Float32Array, b: Float32Array) => Float64Array;
}

function matrices(a: Float32Array, b: Float32Array, at: (k: number, column: number) => number) {
  const sums = new Float64Array(side * side);
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) {
      let sum = 0;
      for (let k = 0; k < inner; k++) sum += a[row * inner + k] * b[at(k, column)];
      sums[row * side + column] = sum;
    }
  }
  return sums;
}

const products: Readonly<Record<string, Product>> = {
  MatMul: {
    shapes: [[side, inner], [inner, side]],
    apply: (g, operands) => g.apply("MatMul", operands),
    exact: (a, b) => matrices(a, b, (k, column) => k * side + column),
  },
  Gemm: {
    shapes: [[side, inner], [side, inner]],
    apply: (g, operands) => g.apply("Gemm", operands, { transB: 1 }),
    exact: (a, b) => matrices(a, b, (k, column) => column * inner + k),
  },
  Conv: {
    shapes: [[1, channels, 3, 3], [side, channels, 3, 3]],
    apply: (g, operands) =>
      g.apply("Conv", operands, { kernel_shape: [3, 3], strides: [1, 1], pads: [0, 0, 0, 0] }),
    exact: (a, b) =>
      Float64Array.from({ length: side }, (_, out) => {
        let sum = 0;
        for (let k = 0; k < a.length; k++) sum += a[k] * b[out * a.length + k];
        return sum;
      }),
  },
};

function graphOf({ shapes, apply }: Product, compute: DType): Graph {
  const g = new GraphBuilder(compute);
  const operands = shapes.map((shape, i) => g.cast(g.input(`x${i}`, shape), compute));
  return g.finish({ y: apply(g, operands) });
}

/** Multiples of 1/256 below 1, which float16 holds exactly; with both signs, or with one. */
const drawn = (shape: Shape, item: number, signed: boolean): Float32Array =>
  Float32Array.from(
    uniforms({ seed: 1, purpose: "sums", step: 0, item }, sizeOf(shape)),
    (value) =>
      Math.floor(256 * value) / 256 * (signed && Math.floor(4096 * value) % 2 === 1 ? -1 : 1),
  );

/** The largest relative error of any product, within each of which errors are taken together. */
export async function sumError(device: Loader, compute: DType): Promise<number> {
  let worst = 0;
  for (const product of Object.values(products)) {
    const session = await device.load(graphOf(product, compute));
    for (const signed of [true, false]) {
      const [a, b] = product.shapes.map((shape, i) => drawn(shape, i, signed));
      const feeds: Feeds = Object.fromEntries(
        [a, b].map((
          data,
          i,
        ) => [`x${i}`, { type: "float32" as const, dims: product.shapes[i], data }]),
      );
      const { y } = await session.run(feeds);
      const error = relativeError(y.data, product.exact(a, b));
      worst = Math.max(worst, Number.isNaN(error) ? Infinity : error);
    }
    await session.release();
  }
  return worst;
}
