// Inferred shapes against what ONNX Runtime gives: one small case for each rule of the table, and every
// value of a whole training graph whose middle level is odd.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Device } from "../device/device.ts";
import { trainGraph } from "../networks/graphs.ts";
import { normals } from "../random/draw.ts";
import { openModel } from "../weights/model.ts";
import { GraphBuilder } from "./builder.ts";
import { type Attribute, type Shape, sizeOf, type Value } from "./graph.ts";
import { broadcastShapes, inferTypes } from "./shapes.ts";

const device = new Device({ provider: "cpu", threads: 1, mapWeights: true });
after(() => device.close());

const random = (shape: Shape, item = 0) => ({
  type: "float32" as const,
  dims: shape,
  data: Float32Array.from(
    normals({ seed: 3, purpose: "shapes", step: 0, item }, sizeOf(shape)),
  ),
});

interface Case {
  readonly op: string;
  readonly shapes: readonly Shape[];
  readonly attributes?: Readonly<Record<string, Attribute>>;
  readonly domain?: string;
}

const microsoft = "com.microsoft";
const unary = ["Neg", "Exp", "Erf", "Sigmoid", "Gelu"];
const binary = ["Add", "Sub", "Mul"];

const cases: readonly Case[] = [
  ...unary.map((op): Case => ({ op, shapes: [[2, 3]] })),
  ...binary.flatMap((op): Case[] => [
    { op, shapes: [[2, 3, 4], [3, 1]] },
    { op, shapes: [[4], [2, 1, 1]] },
    { op, shapes: [[], [2, 3]] },
  ]),
  { op: "QuickGelu", shapes: [[2, 3]], attributes: { alpha: { float: 1 } }, domain: microsoft },
  { op: "Softmax", shapes: [[2, 3, 4]], attributes: { axis: -1 } },
  { op: "MatMul", shapes: [[5, 4], [4, 3]] },
  { op: "MatMul", shapes: [[2, 1, 5, 4], [3, 4, 6]] },
  {
    op: "FusedMatMul",
    shapes: [[2, 4, 5], [2, 4, 3]],
    attributes: { transA: 1, transB: 0, alpha: { float: 0.5 } },
    domain: microsoft,
  },
  {
    op: "FusedMatMul",
    shapes: [[2, 5, 4], [2, 3, 4]],
    attributes: { transA: 0, transB: 1, alpha: { float: 1 } },
    domain: microsoft,
  },
  {
    op: "FusedMatMul",
    shapes: [[5, 2, 4], [3, 2, 4]],
    attributes: { transBatchA: 1, transBatchB: 1, transB: 1, alpha: { float: 1 } },
    domain: microsoft,
  },
  { op: "Gemm", shapes: [[5, 4], [4, 3]] },
  { op: "Gemm", shapes: [[4, 5], [3, 4], [3]], attributes: { transA: 1, transB: 1 } },
  ...([[5, 7], [6, 4], [1, 1]] as const).flatMap((size): Case[] =>
    [[[1, 1], [1, 1, 1, 1]], [[2, 2], [1, 1, 1, 1]], [[2, 2], [0, 0, 1, 1]], [[2, 1], [2, 0, 1, 3]]]
      .filter(([, pads]) => size[0] + pads[0] + pads[2] >= 3 && size[1] + pads[1] + pads[3] >= 3)
      .map(([strides, pads]) => ({
        op: "Conv",
        shapes: [[2, 3, ...size], [4, 3, 3, 3]],
        attributes: { kernel_shape: [3, 3], strides, pads },
      }))
  ),
  ...[[0, 0], [1, 0], [1, 1]].map((output_padding): Case => ({
    op: "ConvTranspose",
    shapes: [[2, 4, 3, 5], [4, 3, 3, 3]],
    attributes: { strides: [2, 2], pads: [1, 1, 1, 1], output_padding },
  })),
  {
    op: "ConvTranspose",
    shapes: [[1, 4, 3, 5], [4, 2, 3, 3]],
    attributes: { strides: [1, 1], pads: [1, 1, 1, 1] },
  },
  { op: "LayerNormalization", shapes: [[2, 3, 8], [8]], attributes: { axis: -1 } },
  { op: "LayerNormalization", shapes: [[2, 3, 8], [3, 8], [3, 8]], attributes: { axis: 1 } },
  { op: "Concat", shapes: [[2, 3], [2, 1], [2, 4]], attributes: { axis: 1 } },
  { op: "Concat", shapes: [[2, 3, 4], [5, 3, 4]], attributes: { axis: -3 } },
  { op: "Transpose", shapes: [[2, 3, 4]], attributes: { perm: [1, 2, 0] } },
  {
    op: "AveragePool",
    shapes: [[2, 3, 7, 6]],
    attributes: { kernel_shape: [2, 2], strides: [2, 2] },
  },
  {
    op: "MultiHeadAttention",
    shapes: [[2, 5, 12], [2, 7, 12], [2, 7, 12]],
    attributes: { num_heads: 3, scale: { float: 0.5 } },
    domain: microsoft,
  },
];

test("every rule of the table", async () => {
  const g = new GraphBuilder();
  const outputs: Record<string, Value> = {};
  const feeds: Record<string, ReturnType<typeof random>> = {};
  for (const [index, { op, shapes, attributes = {}, domain = "" }] of cases.entries()) {
    const inputs = shapes.map((shape, i) => {
      const name = `${index}.${i}`;
      feeds[name] = random(shape, i);
      return g.input(name, shape);
    });
    for (const [i, value] of g.applyAll(op, inputs, attributes, { domain }).entries()) {
      outputs[`${op} ${index} ${i}`] = value;
    }
  }
  const session = await device.load(g.finish(outputs));
  const computed = await session.run(feeds);
  for (const [name, { shape }] of Object.entries(outputs)) {
    assert.deepEqual([...computed[name].dims], [...shape], name);
  }
});

test("every value of a training graph with an odd level, in chunks and computed again", async () => {
  const folder = new URL("../../tests/golden/c/model", import.meta.url);
  const model = await openModel(fileURLToPath(folder));
  const size = { batch: 2, height: 10, width: 6 };
  const graph = trainGraph(model, size, {
    compute: "float32",
    keep: "block-inputs",
    attentionBytes: 20_000,
  });
  const values = graph.nodes.flatMap(({ outputs }) => outputs)
    .filter(({ dtype }) => dtype === "float32");
  const session = await device.load({ ...graph, outputs: values });
  const feeds = graph.inputs.map(({ name, shape }, i) => [name, random(shape, i)] as const);
  const computed = await session.run(Object.fromEntries(feeds));
  for (const { name, shape } of values) {
    assert.deepEqual([...computed[name].dims], [...shape], name);
  }
});

test("what cannot fit is refused", () => {
  const value = (...shape: number[]): Value => ({ name: "x", dtype: "float32", shape });
  const refused = (op: string, inputs: Value[], declared?: { dtype: "float32"; shape: Shape }[]) =>
    assert.throws(() => inferTypes(op, inputs, {}, declared), { _tag: "GraphError" });
  refused("Add", [value(2, 3), value(2)]);
  refused("MatMul", [value(2, 3), value(2, 3)]);
  refused("Gemm", [value(2, 3), value(2, 3)]);
  refused("NoSuchOperator", [value(2)]);
  refused("Reshape", [value(2, 3)], [{ dtype: "float32", shape: [5] }]);
  assert.deepEqual(broadcastShapes([2, 1, 3], [4, 1]), [2, 4, 3]);
});
