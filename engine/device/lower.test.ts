// What a lowered graph computes, against the graph as it was, both on the CPU, where every operator of
// both is right.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { GraphBuilder } from "../graph/builder.ts";
import { type Graph, type Shape, sizeOf, type Value } from "../graph/graph.ts";
import { product } from "../graph/tensor-ops.ts";
import { normals } from "../random/draw.ts";
import { Device } from "./device.ts";
import { lowered } from "./lower.ts";

const device = new Device({ provider: "cpu", threads: 1, mapWeights: true });
after(() => device.close());

const random = (item: number, shape: Shape): Float32Array =>
  Float32Array.from(normals({ seed: 11, purpose: "lower", step: 0, item }, sizeOf(shape)));

function graphOf(shapes: readonly Shape[], build: (g: GraphBuilder, x: readonly Value[]) => Value) {
  const g = new GraphBuilder();
  return g.finish({ y: build(g, shapes.map((shape, i) => g.input(`x${i}`, shape))) });
}

async function result(graph: Graph) {
  const session = await device.load(graph);
  const feeds = graph.inputs.map(({ name, shape }, i) =>
    [name, { type: "float32" as const, dims: shape, data: random(i, shape) }] as const
  );
  return (await session.run(Object.fromEntries(feeds))).y;
}

const attention = (rows: number, columns: number): Graph =>
  graphOf(
    [[2, rows, 24], [2, columns, 24], [2, columns, 24]],
    (g, x) =>
      g.apply("MultiHeadAttention", x, { num_heads: 3, scale: { float: 0.4 } }, {
        domain: "com.microsoft",
      }),
  );

const transposedConv = (stride: number, pads: readonly number[]): Graph =>
  graphOf([[1, 3, 5, 7]], (g, [x]) => {
    const weight = g.constant([...random(9, [3, 4, 3, 2])], [3, 4, 3, 2]);
    const output_padding = [stride - 1, 0];
    return g.apply("ConvTranspose", [x, weight], {
      strides: [stride, stride],
      pads,
      output_padding,
    });
  });

const cases: Readonly<Record<string, readonly [Graph, absent: string]>> = {
  attention: [attention(20, 33), "MultiHeadAttention"],
  "a product of transposed matrices": [
    graphOf(
      [[2, 5, 3], [2, 4, 5]],
      (g, [a, b]) => product(g, a, b, { transA: 1, transB: 1, alpha: 0.7 }),
    ),
    "FusedMatMul",
  ],
  "a product of matrices as they are": [
    graphOf([[2, 3, 5], [5, 4]], (g, [a, b]) => product(g, a, b)),
    "FusedMatMul",
  ],
  "a transposed convolution": [transposedConv(1, [1, 0, 1, 1]), "ConvTranspose"],
};

for (const [name, [graph, absent]] of Object.entries(cases)) {
  test(`${name}: lowered for WebGPU, the same numbers`, async () => {
    const low = lowered(graph, "webgpu");
    assert.ok(graph.nodes.some(({ op }) => op === absent));
    assert.ok(low.nodes.every(({ op }) => op !== absent));
    const [wanted, found] = [await result(graph), await result(low)];
    assert.deepEqual(found.dims, wanted.dims);
    found.data.forEach((value, i) => assert.ok(Math.abs(value - wanted.data[i]) < 1e-5));
    assert.ok(wanted.data.some((value) => Math.abs(value) > 0.1));
  });
}

test("on a GPU a weight is cast once, however often it is used", async () => {
  const stored = new Map<string, number>();
  for (const provider of ["cpu", "cuda"] as const) {
    const g = new GraphBuilder("float16");
    const x = g.cast(g.input("x0", [3, 4]), "float16");
    const weight = g.constant([...random(7, [4, 4])], [4, 4], "float32");
    const [first, second] = [g.cast(weight, "float16"), g.cast(weight, "float16")];
    const y = g.apply("MatMul", [g.apply("MatMul", [x, first]), second]);
    const low = lowered(g.finish({ y }), provider);
    stored.set(provider, low.nodes.filter(({ op }) => op === "Cast").length);
    const found = (await result(low)).data;
    const wanted = (await result(g.finish({ y }))).data;
    assert.deepEqual(found, wanted);
  }
  // The casts of the input and of the output stay.
  assert.deepEqual([...stored.values()], [4, 3]);
});

test("a transposed convolution with a stride, and every graph for the CPU, stay as they are", () => {
  const strided = transposedConv(2, [1, 0, 1, 1]);
  assert.deepEqual(lowered(strided, "webgpu").nodes, strided.nodes);
  assert.equal(lowered(strided, "cpu"), strided);
});
