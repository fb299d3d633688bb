// The check of large sums, on the CPU, and on a device that adds up in float16 as WebGPU's kernels do: that one
// is found out, and computes right once its products are widened.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Device, type Loader } from "../device/device.ts";
import { lowered } from "../device/lower.ts";
import type { Graph, Node, Value } from "../graph/graph.ts";
import { sumError, sumTolerance } from "./sum-check.ts";

/** To 11 binary digits, as float16 has (Veltkamp); none of these tests' numbers leaves its range. */
function half(x: number): number {
  const c = Math.fround(8193 * x);
  return Math.fround(c - Math.fround(c - x));
}

/** How an operand's element at (k, column) is found. */
const places: Readonly<Record<string, (k: number, column: number, b: Value) => number>> = {
  MatMul: (k, column, b) => k * b.shape[1] + column,
  Gemm: (k, column, b) => column * b.shape[1] + k,
  Conv: (k, column, b) => column * b.shape[1] * 9 + k,
};

/** A product whose every partial sum is rounded to the type of its operands. */
function product({ op, inputs: [x, w] }: Node, a: Float32Array, b: Float32Array): Float32Array {
  const round = x!.dtype === "float16" ? half : Math.fround;
  const inner = op === "Conv" ? a.length : x!.shape[1];
  const rows = a.length / inner;
  const columns = b.length / inner;
  const out = new Float32Array(rows * columns);
  for (let i = 0; i < out.length; i++) {
    const [row, column] = [Math.floor(i / columns), i % columns];
    let sum = 0;
    for (let k = 0; k < inner; k++) {
      sum = round(sum + a[row * inner + k] * b[places[op](k, column, w!)]);
    }
    out[i] = sum;
  }
  return out;
}

function run({ nodes, outputs }: Graph, feeds: Record<string, Float32Array>) {
  const values = new Map(Object.entries(feeds));
  for (const node of nodes) {
    const [a, b] = node.inputs.map((value) => values.get(value!.name)!);
    const [{ name, dtype }] = node.outputs;
    values.set(
      name,
      node.op === "Cast" ? a.map(dtype === "float16" ? half : Math.fround) : product(node, a, b),
    );
  }
  const [{ name, shape }] = outputs;
  return { type: "float32" as const, dims: shape, data: values.get(name)! };
}

/** A card that adds up in the type of its operands. */
const narrow = (wide: boolean): Loader => ({
  provider: "webgpu",
  load: (graph) => {
    const low = lowered(graph, "webgpu", { wideSums: wide });
    return Promise.resolve({
      run: (feeds) =>
        Promise.resolve({
          [low.outputs[0].name]: run(
            low,
            Object.fromEntries(Object.entries(feeds).map(([name, { data }]) => [name, data])),
          ),
        }),
      release: () => Promise.resolve(),
    });
  },
  close: () => Promise.resolve(),
});

test("the CPU adds up well, in both types", async () => {
  const cpu = new Device({ provider: "cpu", threads: 2, mapWeights: true });
  assert.ok(await sumError(cpu, "float32") < 1e-5);
  assert.ok(await sumError(cpu, "float16") < 5e-4);
  await cpu.close();
});

test("a device that adds up in float16 is off by per cents, and right with its products widened", async () => {
  assert.ok(await sumError(narrow(false), "float16") > 5 * sumTolerance);
  assert.ok(await sumError(narrow(true), "float16") < sumTolerance / 4);
  assert.ok(await sumError(narrow(false), "float32") < 1e-4);
});
