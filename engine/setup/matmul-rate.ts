// How fast a device multiplies matrices, which is most of a training step: what `auto` compares devices by.
// The trap: a software renderer also calls itself a graphics card, and is far slower than the CPU.
import type { Loader } from "../device/device.ts";
import { GraphBuilder } from "../graph/builder.ts";
import type { DType } from "../graph/graph.ts";

const side = 1024;
const products = 8;

/** Floating-point operations a second. Throws as `Loader.load` does. */
export async function matmulRate(device: Loader, compute: DType): Promise<number> {
  const g = new GraphBuilder(compute);
  const factor = g.cast(g.input("factor", [side, side]), compute);
  let value = factor;
  for (let i = 0; i < products; i++) value = g.apply("MatMul", [value, factor]);
  const corner = g.apply("ReduceSum", [value, g.integers([0, 1])], { keepdims: 1 }, {
    declared: [{ dtype: compute, shape: [1, 1] }],
  });
  const session = await device.load(g.finish({ corner }));
  const data = new Float32Array(side * side).fill(1 / side);
  const feeds = { factor: { type: "float32" as const, dims: [side, side], data } };
  const seconds: number[] = [];
  // The first run compiles kernels.
  for (let i = 0; i < 3; i++) {
    const start = performance.now();
    await session.run(feeds);
    seconds.push((performance.now() - start) / 1000);
  }
  await session.release();
  return products * 2 * side ** 3 / Math.min(...seconds);
}
