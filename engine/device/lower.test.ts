// What a lowered graph computes, against the graph as it was, both on the CPU, where every operator of
// both is right.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { GraphBuilder } from "../graph/builder.ts";
import {
  type DType,
  type Graph,
  type Node,
  type Shape,
  sizeOf,
  type Value,
} from "../graph/graph.ts";
import { product, split } from "../graph/tensor-ops.ts";
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

/** For its pixels. */
const manyChannels: Graph = graphOf([[1, 9, 5, 7]], (g, [x]) => {
  const weight = g.constant([...random(9, [9, 4, 3, 3])], [9, 4, 3, 3]);
  return g.apply("ConvTranspose", [x, weight], {
    strides: [1, 1],
    pads: [1, 1, 1, 1],
    output_padding: [0, 0],
  });
});

const convolution = (channels: number): Graph =>
  graphOf([[2, channels, 5, 7]], (g, [x]) => {
    const weight = g.constant([...random(8, [4, channels, 3, 3])], [4, channels, 3, 3]);
    const bias = g.constant([...random(7, [4])], [4]);
    return g.apply("Conv", [x, weight, bias], {
      kernel_shape: [3, 3],
      strides: [2, 1],
      pads: [1, 1, 1, 1],
    });
  });

/** Wrong in ONNX Runtime 1.30's WebGPU, or 1x1. */
const isOdd = ({ op, inputs: [x, weight] }: Node) =>
  op === "Conv" && x!.shape[1] % 3 === 0 && x!.shape[1] % 4 !== 0 && weight!.shape[3] > 1;

/** All three results of a layer norm, or the first alone, and a GELU. */
const normalised = (compute: DType, withStatistics: boolean): Graph => {
  const g = new GraphBuilder(compute);
  const x = g.cast(g.input("x0", [4, 9]), compute);
  const scale = g.constant([...random(3, [9])], [9], compute);
  const [y, mean, rstd] = g.applyAll("LayerNormalization", [x, scale], {
    axis: -1,
    epsilon: { float: 0.1 },
  });
  const through = g.cast(g.apply("Gelu", [y]), "float32");
  return g.finish({
    y: withStatistics ? g.apply("Mul", [g.apply("Add", [through, mean]), rstd]) : through,
  });
};

const isOp = (op: string) => (node: Node) => node.op === op;
const isTriple = ({ outputs }: Node) => outputs.length > 1;
const isPlainGelu = ({ op, domain }: Node) => op === "Gelu" && domain === "";

/** For a processor: as ONNX Runtime is given what it prepares, if `prepared`. */
type Kind = "webgpu" | "dml" | "cpu" | "prepared";
type Case = readonly [Graph, absent: (node: Node) => boolean, kind?: Kind];

const cases: Readonly<Record<string, Case>> = {
  "a convolution of 6 channels": [convolution(6), isOdd],
  "a convolution of 15 channels": [convolution(15), isOdd],
  "a layer norm's three results": [normalised("float32", true), isTriple, "dml"],
  "a layer norm's one result": [normalised("float32", false), isTriple, "dml"],
  "a layer norm in float16": [normalised("float16", true), isTriple, "dml"],
  GELU: [normalised("float32", true), isPlainGelu, "dml"],
  attention: [attention(20, 33), isOp("MultiHeadAttention")],
  "a product of transposed matrices": [
    graphOf(
      [[2, 5, 3], [2, 4, 5]],
      (g, [a, b]) => product(g, a, b, { transA: 1, transB: 1, alpha: 0.7 }),
    ),
    isOp("FusedMatMul"),
  ],
  "a product of matrices whose rows are apart": [
    graphOf(
      [[3, 2, 5], [4, 2, 5]],
      (g, [a, b]) => product(g, a, b, { transBatchA: 1, transBatchB: 1, transB: 1 }),
    ),
    isOp("FusedMatMul"),
  ],
  "a large product of small matrices, scaled": [
    graphOf([[2, 9, 3], [2, 8, 3]], (g, [a, b]) => product(g, a, b, { transB: 1, alpha: 0.7 })),
    ({ op, outputs: [y] }) => op === "FusedMatMul" || (op === "Mul" && sizeOf(y.shape) > 60),
  ],
  "a product of a large matrix that is turned": [
    graphOf(
      [[2, 9, 30], [9, 2, 3]],
      (g, [a, b]) => product(g, a, b, { transA: 1, transBatchB: 1, alpha: 0.7 }),
    ),
    ({ op, inputs: [x] }) =>
      op === "FusedMatMul" || (op === "Transpose" && x!.shape[2] === 30 && x!.shape[1] === 9),
  ],
  "a product with a large matrix that is turned": [
    graphOf(
      [[9, 2, 3], [2, 30, 9]],
      (g, [a, b]) => product(g, a, b, { transBatchA: 1, transA: 1, transB: 1, alpha: 0.7 }),
    ),
    ({ op, inputs: [x] }) =>
      op === "FusedMatMul" || (op === "Transpose" && x!.shape[1] === 30 && x!.shape[2] === 9),
  ],
  "a product with a matrix whose rows are apart": [
    graphOf([[2, 5, 3], [5, 2, 4]], (g, [a, b]) => product(g, a, b, { transA: 1, transBatchB: 1 })),
    isOp("FusedMatMul"),
  ],
  "a product of matrices as they are": [
    graphOf([[2, 3, 5], [5, 4]], (g, [a, b]) => product(g, a, b)),
    isOp("FusedMatMul"),
  ],
  "a transposed convolution": [transposedConv(1, [1, 0, 1, 1]), isOp("ConvTranspose")],
  "a transposed convolution of a large picture": [
    transposedConv(1, [1, 0, 1, 1]),
    isOp("ConvTranspose"),
    "cpu",
  ],
  "a prepared transposed convolution of many channels": [
    manyChannels,
    isOp("ConvTranspose"),
    "prepared",
  ],
  "prepared attention to few keys": [attention(20, 77), isOp("MultiHeadAttention"), "prepared"],
  "pieces of a value": [
    graphOf([[2, 7]], (g, [x]) => {
      const [a, b, c] = split(g, x, 1, [3, 1, 3]);
      return g.apply("Sub", [g.apply("Mul", [a, b]), c]);
    }),
    isOp("Split"),
  ],
};

for (const [name, [graph, absent, kind = "webgpu"]] of Object.entries(cases)) {
  test(`${name}: lowered for ${kind}, the same numbers`, async () => {
    const low = kind === "prepared"
      ? lowered(graph, "cpu", { optimised: true })
      : lowered(graph, kind);
    assert.ok(graph.nodes.some(absent));
    assert.ok(!low.nodes.some(absent));
    const [wanted, found] = [await result(graph), await result(low)];
    assert.deepEqual(found.dims, wanted.dims);
    const most = name.includes("float16") ? 5e-3 : 1e-5;
    found.data.forEach((value, i) => assert.ok(Math.abs(value - wanted.data[i]) < most));
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

test("a transposed convolution to 9 channels becomes one that is computed right", () => {
  const { nodes } = lowered(manyChannels, "webgpu");
  assert.ok(nodes.some(isOp("Conv")) && !nodes.some(isOdd));
});

test("a transposed convolution with a stride, and one of many channels on the CPU, stay as they are", () => {
  const strided = transposedConv(2, [1, 0, 1, 1]);
  assert.deepEqual(lowered(strided, "webgpu").nodes, strided.nodes);
  assert.deepEqual(lowered(strided, "cpu").nodes, strided.nodes);
  assert.deepEqual(lowered(strided, "cpu", { optimised: true }).nodes, strided.nodes);
  assert.deepEqual(lowered(manyChannels, "cpu").nodes, manyChannels.nodes);
});

test("prepared attention leaves out keys that are negligible, and over many keys stays as it is", async () => {
  const many = attention(20, 129);
  assert.deepEqual(lowered(many, "cpu", { optimised: true }).nodes, many.nodes);
  const found = async (optimised: boolean) => {
    const g = new GraphBuilder();
    const [q, k, v] = [[1], [60, 0], [2, 1e25]]
      .map((values) => g.constant(values, [1, values.length, 1]));
    const attributes = { num_heads: 1, scale: { float: 1 } };
    const y = g.apply("MultiHeadAttention", [q, k, v], attributes, { domain: "com.microsoft" });
    return (await result(lowered(g.finish({ y }), "cpu", { optimised }))).data[0];
  };
  // e^-60 is 8.8e-27.
  assert.deepEqual([await found(false), await found(true)].map((y) => y.toFixed(3)), [
    "2.088",
    "2.000",
  ]);
});

test("on the processor probabilities of few keys are 0 where they are negligible, the others as they were", async () => {
  const probabilities = async (keys: number) => {
    const g = new GraphBuilder();
    const x = g.input("x", [2, keys]);
    const session = await device.load(g.finish({ y: g.apply("Softmax", [x], { axis: -1 }) }));
    // e^-46 is 1.05e-20, e^-47 less than 1e-20.
    const data = Float32Array.from({ length: 2 * keys }, (_, i) => -(i % keys));
    return (await session.run({ x: { type: "float32", dims: [2, keys], data } })).y.data;
  };
  const [few, many] = [await probabilities(100), await probabilities(129)];
  const powers = Array.from({ length: 129 }, (_, i) => Math.exp(-i));
  const sum = 1 / (1 - Math.exp(-1));
  const wanted = powers.map((power) => power / sum);
  for (const [found, keys] of [[few, 100], [many, 129]] as const) {
    for (let i = 0; i < 2 * keys; i++) {
      const exact = wanted[i % keys];
      const isKept = exact > 1e-20 || keys > 128;
      const off = isKept ? Math.abs(found[i] / exact - 1) : Math.abs(found[i]);
      // Those below 1e-38 are as inexact as they are small.
      assert.ok(off < 1e-5 || (isKept && exact < 1e-37), `${keys}: ${found[i]} at ${i}`);
    }
  }
});
