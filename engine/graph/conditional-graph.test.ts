// Two graphs in one session against the same two in sessions of their own, and the order in which a
// branch's nodes run against the order in which we would have them run.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Device } from "../device/device.ts";
import { arenaBytes } from "../memory/arena.ts";
import { planBuffers } from "../memory/buffers.ts";
import { keepOf, memoryPlans } from "../memory/memory-plan.ts";
import { lossGraph, trainGraph } from "../networks/graphs.ts";
import { normals } from "../random/draw.ts";
import { openModel } from "../weights/model.ts";
import { conditionalGraph } from "./conditional-graph.ts";
import { type Graph, sizeOf, type Value } from "./graph.ts";
import { listedForWalk, runOrder } from "./run-order.ts";

const model = await openModel(
  fileURLToPath(new URL("../../tests/golden/a/model", import.meta.url)),
);
const size = { batch: 2, height: 8, width: 8 };
const options = { attentionBytes: Infinity, compute: "float32" } as const;
const train = trainGraph(model, size, { ...options, keep: "all" });
const loss = lossGraph(model, size, "float32");
const device = new Device({ provider: "cpu", threads: 1, mapWeights: true });
after(() => device.close());

const fed = ({ name, shape, dtype }: Value, item: number) => {
  assert.equal(dtype, "float32");
  const drawn = normals({ seed: 3, purpose: "feeds", step: 0, item }, sizeOf(shape));
  return [name, { type: "float32", dims: shape, data: Float32Array.from(drawn) }] as const;
};
const feeds = Object.fromEntries(train.inputs.map(fed));
const choosing = (choice: number) => ({
  ...feeds,
  choice: { type: "float32", dims: [1], data: Float32Array.of(choice) } as const,
});

test("one session computes what two do, in any order", async () => {
  const [both, first, second] = await Promise.all(
    [conditionalGraph(train, loss), train, loss].map((graph) => device.load(graph)),
  );
  const [trained, measured] = [await first.run(feeds), await second.run(feeds)];
  for (const choice of [0, 1, 0, 1]) {
    const out = await both.run(choosing(choice));
    assert.deepEqual(Object.keys(out).sort(), ["gradient1", "gradient2", "loss", "losses"]);
    if (choice === 1) assert.deepEqual(out, { ...trained, losses: out.losses });
    else {
      assert.deepEqual([out.loss, out.losses], [measured.loss, measured.losses]);
      assert.deepEqual([...out.gradient1.data, ...out.gradient2.data], [0, 0]);
    }
  }
});

/** What it takes when nodes are listed so, worked out as for a whole graph. */
const bytes = ({ outputs }: Graph, nodes: Graph["nodes"]) =>
  arenaBytes(planBuffers({ nodes, outputs }, runOrder({ nodes })));

test("a branch is listed so that it computes, and runs in nearly the same memory", () => {
  for (const plan of memoryPlans) {
    const graph = trainGraph(model, { batch: 1, height: 64, width: 48 }, {
      ...options,
      keep: keepOf(plan),
    });
    const listed = listedForWalk(graph.nodes);
    assert.deepEqual(new Set(listed), new Set(graph.nodes));
    const made = new Set<string>();
    const makers = new Set(graph.nodes.flatMap(({ outputs }) => outputs.map(({ name }) => name)));
    for (const { inputs, outputs } of listed) {
      for (const value of inputs) {
        assert.ok(value === null || !makers.has(value.name) || made.has(value.name));
      }
      for (const { name } of outputs) made.add(name);
    }
    // runOrder turns the list around as serialiseGraph does; a branch is listed as it is.
    const wanted = bytes(graph, graph.nodes);
    const found = bytes(graph, listed.toReversed());
    assert.ok(found <= 1.05 * wanted, `plan ${plan}: ${found} and ${wanted}`);
    assert.ok(bytes(graph, graph.nodes.toReversed()) > 1.1 * wanted, "any order would do");
  }
});
