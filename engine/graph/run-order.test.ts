// The order that we work out against the order in which ONNX Runtime ran the nodes, from its profile.
import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import * as ort from "onnxruntime-node";
import { differentiate } from "../autodiff/backward.ts";
import { uniforms } from "../random/draw.ts";
import { GraphBuilder } from "./builder.ts";
import type { Graph, Value } from "./graph.ts";
import { runOrder } from "./run-order.ts";
import { serialiseGraph } from "./serialise.ts";
import { reduceSum, reshape } from "./tensor-ops.ts";

const side = 4;

/** A net of products, sums and activations over random earlier values, with its gradient. */
function randomGraph(item: number): Graph {
  const draws = uniforms({ seed: 5, purpose: "graph", step: 0, item }, 300);
  let used = 0;
  const below = (n: number) => Math.floor(draws[used++] * n);
  const g = new GraphBuilder();
  const x = g.input("x", [side, side]);
  const values: Value[] = [x];
  const make = () => {
    const [a, b] = [values[below(values.length)], values[below(values.length)]];
    const op = ["Add", "Mul", "MatMul", "Gelu"][below(4)];
    values.push(g.apply(op, op === "Gelu" ? [a] : [a, b]));
  };
  for (let i = 0; i < 12; i++) make();
  g.checkpointed(() => {
    for (let i = 0; i < 12; i++) make();
  });
  for (let i = 0; i < 6; i++) make();
  const sum = values.slice(-4).reduce((a, b) => g.apply("Add", [a, b]));
  const result = reshape(g, reduceSum(g, sum, [0, 1]), [1]);
  const [gradient] = differentiate(g, result, [x]);
  return g.finish({ result, gradient });
}

async function profiledOrder(graph: Graph): Promise<readonly string[]> {
  const folder = await mkdtemp(join(tmpdir(), "gnomic-order-"));
  try {
    const session = await ort.InferenceSession.create(serialiseGraph(graph).model, {
      graphOptimizationLevel: "disabled",
      enableProfiling: true,
      profileFilePrefix: join(folder, "profile"),
      logSeverityLevel: 3,
    });
    const data = Float32Array.from({ length: side * side }, (_, i) => i / 100);
    await session.run({ x: new ort.Tensor("float32", data, [side, side]) });
    session.endProfiling();
    await session.release();
    const [file] = await readdir(folder);
    const events: readonly { name: string }[] = JSON.parse(
      await readFile(join(folder, file), "utf8"),
    );
    const suffix = "_kernel_time";
    return events
      .filter(({ name }) => name.endsWith(suffix))
      .map(({ name }) => name.slice(0, -suffix.length));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

test("nodes run in the order that we work out", async () => {
  for (let item = 0; item < 8; item++) {
    const graph = randomGraph(item);
    const order = runOrder(graph).map(({ name }) => name);
    assert.equal(order.length, graph.nodes.length);
    assert.deepEqual(await profiledOrder(graph), order);
  }
});
