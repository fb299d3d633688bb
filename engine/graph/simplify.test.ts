// Simplified graphs against what they say they are, node by node, and against ONNX Runtime's numbers for the
// graph as it was written.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as ort from "onnxruntime-node";
import { GraphBuilder } from "./builder.ts";
import type { Graph, Value } from "./graph.ts";
import { pruneNodes } from "./passes.ts";
import { serialiseGraph } from "./serialise.ts";
import { reduceSum, reshape } from "./tensor-ops.ts";

type Build = (g: GraphBuilder, x: Value, y: Value) => Value;

/** The graph as it is finished, and as it was written. */
function both(build: Build): readonly [Graph, Graph] {
  const g = new GraphBuilder();
  const result = build(g, g.input("x", [4, 6]), g.input("y", [4, 6]));
  const finished = g.finish({ result });
  const output = finished.nodes.at(-1)!;
  const written = [...g.nodes, { ...output, inputs: [result] }];
  return [finished, {
    ...finished,
    nodes: pruneNodes(written, finished.outputs),
    frozen: g.frozen,
  }];
}

async function compute(graph: Graph): Promise<readonly number[]> {
  const session = await ort.InferenceSession.create(serialiseGraph(graph).model, {
    graphOptimizationLevel: "disabled",
    logSeverityLevel: 3,
  });
  const data = Float32Array.from({ length: 24 }, (_, i) => Math.fround(i * 0.37) % 1);
  const x = new ort.Tensor("float32", data, [4, 6]);
  const y = new ort.Tensor("float32", data.toReversed(), [4, 6]);
  const feeds = Object.fromEntries(graph.inputs.map(({ name }) => [name, name === "x" ? x : y]));
  const { result } = await session.run(feeds);
  await session.release();
  return [...result.data as Float32Array];
}

const weight = (g: GraphBuilder) =>
  g.constant(Array.from({ length: 36 }, (_, i) => i % 5 - 2), [6, 6]);
const product = (g: GraphBuilder, a: Value) => g.apply("Gemm", [a, weight(g)], { transB: 1 });
const add = (g: GraphBuilder, a: Value, b: Value) => g.apply("Add", [a, b]);

const cases: Readonly<Record<string, readonly [Build, ops: readonly string[]]>> = {
  "a chain of reshapes is one": [
    (g, x) => g.apply("Neg", [reshape(g, reshape(g, reshape(g, x, [24]), [2, 12]), [3, 8])]),
    ["Reshape", "Neg"],
  ],
  "a reshape there and back is none": [
    (g, x) => g.apply("Neg", [reshape(g, reshape(g, x, [24]), [4, 6])]),
    ["Neg"],
  ],
  "equal reshapes are one, others stay": [
    (g, x) => {
      const [a, b, c] = [[24], [24], [1, 24]].map((shape) => reshape(g, x, shape));
      return g.apply("Add", [g.apply("Mul", [a, b]), g.apply("Neg", [c])]);
    },
    ["Reshape", "Mul", "Reshape", "Neg", "Add"],
  ],
  "a product is added to what was there": [
    (g, x, y) => add(g, g.apply("Neg", [y]), product(g, g.apply("Exp", [x]))),
    ["Neg", "Exp", "Gemm"],
  ],
  "a sum of three products is three nodes": [
    (g, x, y) => add(g, add(g, product(g, x), product(g, y)), product(g, g.apply("Neg", [x]))),
    ["Gemm", "Gemm", "Neg", "Gemm"],
  ],
  "a product that is read twice stays": [
    (g, x, y) => {
      const read = product(g, x);
      return g.apply("Mul", [add(g, y, read), read]);
    },
    ["Gemm", "Add", "Mul"],
  ],
  "a product stays that would wait for what comes later": [
    (g, x, y) => {
      const made = g.apply("Exp", [x]);
      const read = product(g, made);
      return add(g, g.apply("Neg", [y]), read);
    },
    ["Exp", "Gemm", "Neg", "Add"],
  ],
  "a sum that broadcasts stays": [
    (g, x, y) => add(g, reduceSum(g, y, [1]), product(g, g.apply("Neg", [x]))),
    ["ReduceSum", "Neg", "Gemm", "Add"],
  ],
  "a product reads what is turned for it as it lies": [
    (g, x, y) => {
      const turned = g.apply("Transpose", [reshape(g, x, [6, 4])], { perm: [1, 0] });
      return add(g, g.apply("Neg", [y]), product(g, reshape(g, turned, [4, 6])));
    },
    ["Neg", "Reshape", "Gemm"],
  ],
  "a matrix that is turned for others, too, is turned": [
    (g, x) => {
      const turned = g.apply("Transpose", [reshape(g, x, [6, 4])], { perm: [1, 0] });
      return g.apply("Mul", [turned, product(g, turned)]);
    },
    ["Reshape", "Transpose", "Gemm", "Mul"],
  ],
  "a product that has a bias stays": [
    (g, x, y) => {
      const bias = g.constant([1, 2, 3, 4, 5, 6], [6]);
      return add(g, y, g.apply("Gemm", [x, weight(g), bias], { transB: 1 }));
    },
    ["Gemm", "Add"],
  ],
};

for (const [name, [build, ops]] of Object.entries(cases)) {
  test(`${name}: the nodes meant, the same numbers`, async () => {
    const [finished, written] = both(build);
    assert.deepEqual(finished.nodes.map(({ op }) => op), [...ops, "Cast"]);
    assert.deepEqual(await compute(finished), await compute(written));
  });
}
