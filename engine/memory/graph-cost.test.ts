// What a graph costs, against sums by hand.
import assert from "node:assert/strict";
import { test } from "node:test";
import { GraphBuilder } from "../graph/builder.ts";
import { product, reshape } from "../graph/tensor-ops.ts";
import { costsBy, graphCost, ruleOf } from "./graph-cost.ts";

test("products cost arithmetic, every node its operands' bytes, a reshape nothing", () => {
  const g = new GraphBuilder();
  const a = g.input("a", [3, 4]);
  const b = g.input("b", [5, 4]);
  const c = product(g, a, b, { transB: 1 });
  const doubled = g.apply("Add", [reshape(g, c, [15]), reshape(g, c, [15])]);
  assert.deepEqual(graphCost(g.nodes), {
    flops: 2 * 3 * 4 * 5,
    bytes: 4 * (12 + 20 + 15) + 4 * (15 + 15 + 15),
    nodes: 2,
  });
  assert.deepEqual(costsBy(g.nodes, ({ op }) => op).map(([op, { bytes }]) => [op, bytes]), [
    ["FusedMatMul", 188],
    ["Add", 180],
    ["Reshape", 0],
  ]);
  assert.deepEqual(doubled.shape, [15]);
});

test("a product costs the same whichever way its operands lie", () => {
  const g = new GraphBuilder();
  const [m, k, n] = [3, 4, 5];
  const b = g.input("b", [2, k, n]);
  product(g, g.input("a", [2, m, k]), b);
  product(g, g.input("a'", [2, k, m]), b, { transA: 1 });
  product(g, g.input("rows of a", [m, 2, k]), b, { transBatchA: 1 });
  product(g, g.input("rows of a'", [k, 2, m]), b, { transBatchA: 1, transA: 1 });
  assert.deepEqual(
    g.nodes.map((node) => graphCost([node]).flops),
    Array(4).fill(2 * 2 * m * k * n),
  );
});

test("a node belongs to the rule whose gradient it computes", () => {
  assert.equal(ruleOf({ name: "unet/conv_in/Conv" }), "forward");
  assert.equal(ruleOf({ name: "backward/unet/ff/net.2/Gemm_1/Gemm" }), "gradient of Gemm");
  assert.equal(ruleOf({ name: "backward/again/unet/conv_in/Conv/Conv" }), "forward, again");
});
