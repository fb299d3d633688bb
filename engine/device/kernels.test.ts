// Every operator and type of every graph that is computed on a card has a kernel there, by the table.
import assert from "node:assert/strict";
import { test } from "node:test";
import { GraphBuilder } from "../graph/builder.ts";
import { conditionalGraph } from "../graph/conditional-graph.ts";
import type { DType, Graph } from "../graph/graph.ts";
import { folded } from "../memory/estimate.ts";
import { attentionBytesOf, keepOf, memoryPlans } from "../memory/memory-plan.ts";
import { networksOf } from "../memory/networks-of.ts";
import * as graphs from "../networks/graphs.ts";
import { bundledConfigs } from "../weights/folder-configs.ts";
import { lacking } from "./kernels.fixture.ts";
import { lowered } from "./lower.ts";
import { providerNames } from "./providers.ts";

const { configs } = await bundledConfigs();
const cards = providerNames.filter((provider) => provider !== "cpu");
const size = { batch: 1, height: 64, width: 64 };

/** All that an engine compiles, as it is built; weights stored in `stored`. */
function graphsFor(
  provider: typeof cards[number],
  stored: "float16" | "bfloat16",
  compute: DType,
): Readonly<Record<string, Graph>> {
  const networks = networksOf(configs, stored);
  const loss = graphs.lossGraph(networks, size, compute);
  const steps = memoryPlans.map((plan) => {
    const attentionBytes = attentionBytesOf(plan, provider);
    const step = graphs.trainGraph(networks, size, { compute, keep: keepOf(plan), attentionBytes });
    return [`training, plan ${plan}`, conditionalGraph(step, loss)] as const;
  });
  return {
    ...Object.fromEntries(steps),
    text: graphs.textGraph(networks, 1, compute),
    prediction: graphs.predictionGraph(networks, { ...size, batch: 2 }, compute),
    encode: graphs.encodeGraph(networks, { batch: 1, height: 512, width: 512 }, compute),
    decode: graphs.decodeGraph(networks, size, compute),
  };
}

/** What is left once weights are prepared, which ONNX Runtime does on the CPU. */
const computed = (graph: Graph, provider: typeof cards[number]) =>
  folded(lowered(graph, provider)).nodes;

for (const provider of cards) {
  for (const [stored, compute] of [["bfloat16", "float16"], ["float16", "float32"]] as const) {
    test(`${provider} in ${compute}: a kernel for everything`, () => {
      for (const [name, graph] of Object.entries(graphsFor(provider, stored, compute))) {
        assert.deepEqual(lacking(computed(graph, provider), provider), [], name);
      }
    });
  }
}

test("without its lowering a provider lacks what the lowering is there for", () => {
  const graph = graphsFor("dml", "float16", "float16").prediction;
  assert.deepEqual(lacking(folded(graph).nodes, "dml"), [
    "Gelu of float16",
    "LayerNormalization with 3 outputs",
  ]);
  assert.deepEqual(lacking(folded(graph).nodes, "webgpu"), [
    "com.microsoft.MultiHeadAttention of float16",
  ]);
});

test("an operator that is nowhere, and a type that is not there, are named, in branches too", () => {
  const g = new GraphBuilder();
  const x = g.input("x", [2, 2]);
  const y = g.apply("Tanh", [x], {}, { declared: [{ dtype: "float32", shape: [2, 2] }] });
  const first = g.finish({ y });
  const h = new GraphBuilder();
  const z = h.apply("Exp", [h.cast(h.input("x", [2, 2]), "bfloat16")]);
  const both = conditionalGraph(first, h.finish({ y: z }));
  assert.deepEqual(lacking(both.nodes, "cuda"), [
    "Cast of bfloat16",
    "Exp of bfloat16",
    "Tanh of float32",
  ]);
});
