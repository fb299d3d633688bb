// Products in float32 between tensors in float16: the same numbers, and no weight held wider for good.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { GraphBuilder } from "../graph/builder.ts";
import { type Graph, sizeOf } from "../graph/graph.ts";
import { estimateMemory, folded } from "../memory/estimate.ts";
import { networksOf } from "../memory/networks-of.ts";
import { trainGraph } from "../networks/graphs.ts";
import { relativeError } from "../probe/compare.ts";
import { normals } from "../random/draw.ts";
import { openModel } from "../weights/model.ts";
import { Device } from "./device.ts";
import { lacking } from "./kernels.fixture.ts";
import { lowered } from "./lower.ts";
import { mostTerms } from "./wide-sums.ts";

const device = new Device({ provider: "cpu", threads: 1, mapWeights: true });
after(() => device.close());

const drawn = (item: number, count: number) =>
  Float32Array.from(normals({ seed: 3, purpose: "wide", step: 0, item }, count));

/** A Gemm, a convolution and a product of two activations, of as many terms as `width` says. */
function graphOf(width: number): Graph {
  const g = new GraphBuilder("float16");
  const x = g.cast(g.input("x", [6, width]), "float16");
  const weight = g.constant([...drawn(1, 8 * width)].map((v) => v / 9), [8, width]);
  const bias = g.constant([...drawn(2, 8)], [8]);
  const product = g.apply("Gemm", [x, weight, bias], { transB: 1 });
  const picture = g.cast(g.input("p", [1, width, 3, 3]), "float16");
  const kernel = g.constant([...drawn(3, 8 * width)].map((v) => v / 9), [8, width, 1, 1]);
  const conv = g.apply("Conv", [picture, kernel], {
    ...{ kernel_shape: [1, 1], strides: [1, 1], pads: [0, 0, 0, 0] },
  });
  const both = g.apply("MatMul", [x, g.apply("Transpose", [x], { perm: [1, 0] })]);
  return g.finish({ product, conv, both });
}

const feeds = ({ inputs }: Graph) =>
  Object.fromEntries(
    inputs.map((
      { name, shape },
      i,
    ) => [name, { type: "float32" as const, dims: shape, data: drawn(10 + i, sizeOf(shape)) }]),
  );

const isProduct = ({ op }: { readonly op: string }) => ["Gemm", "Conv", "MatMul"].includes(op);

test("products of many terms are computed in float32, those of few are left alone", async () => {
  const many = graphOf(3 * mostTerms);
  const wide = lowered(many, "webgpu", { wideSums: true });
  assert.deepEqual(
    wide.nodes.filter(isProduct).map(({ inputs }) => inputs.map((value) => value!.dtype)),
    [["float32", "float32", "float32"], ["float32", "float32"], ["float32", "float32"]],
  );
  const [wanted, found] = await Promise.all(
    [many, wide].map(async (graph) => await (await device.load(graph)).run(feeds(graph))),
  );
  for (const name of ["product", "conv", "both"]) {
    assert.ok(relativeError(found[name].data, wanted[name].data) < 1e-3, name);
  }
  const few = graphOf(mostTerms);
  const types = new Set(
    lowered(few, "webgpu", { wideSums: true }).nodes.filter(isProduct).map(({ inputs }) =>
      inputs[0]!.dtype
    ),
  );
  assert.deepEqual([...types], ["float16"]);
});

test("a real training step: every kernel is there, and weights stay float16 on the card", async () => {
  const golden = await openModel("tests/golden/a/model");
  const networks = networksOf(golden.configs, "float16");
  const step = trainGraph(networks, { batch: 1, height: 16, width: 16 }, {
    ...{ compute: "float16", keep: "all", attentionBytes: Infinity },
  });
  const wide = lowered(step, "webgpu", { wideSums: true });
  assert.deepEqual(lacking(folded(wide).nodes, "webgpu"), []);
  const [plain, widened] = [false, true].map((wideSums) =>
    estimateMemory(step, "webgpu", { wideSums })
  );
  assert.ok(widened.weights <= 1.02 * plain.weights);
  assert.ok(widened.activations > plain.activations);
});
