// The memory plans on a real network: what is computed again must be what was computed before, so plan B's
// gradients equal plan A's to the bit, and plan C's, which sums attention's heads in chunks, nearly. And
// it must be worth it: the backward pass may read far less of the forward pass.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Device } from "../device/device.ts";
import type { Fetches } from "../device/messages.ts";
import { sizeInBytes } from "../graph/builder.ts";
import { type Graph, type Node, sizeOf } from "../graph/graph.ts";
import { runOrder } from "../graph/run-order.ts";
import { trainGraph } from "../networks/graphs.ts";
import type { Keep } from "../networks/unet.ts";
import { relativeError } from "../probe/compare.ts";
import { normals } from "../random/draw.ts";
import { type Model, openModel } from "../weights/model.ts";

const device = new Device({ provider: "cpu", threads: 1, mapWeights: true });
after(() => device.close());

let model: Model;
before(async () => {
  model = await openModel(fileURLToPath(new URL("../../tests/golden/c/model", import.meta.url)));
});

const graph = (keep: Keep, attentionBytes: number): Graph =>
  trainGraph(model, { batch: 1, height: 10, width: 6 }, {
    compute: "float32",
    keep,
    attentionBytes,
  });

async function run(train: Graph): Promise<Fetches> {
  const feeds = train.inputs.map(({ name, shape }, item) => {
    const values = normals({ seed: 5, purpose: "plans", step: 0, item }, sizeOf(shape));
    return [name, {
      type: "float32" as const,
      dims: shape,
      data: Float32Array.from(values),
    }] as const;
  });
  return await (await device.load(train)).run(Object.fromEntries(feeds));
}

/** Bytes that the UNet makes on the way forward and the backward pass reads. */
function keptBytes({ nodes }: Graph): number {
  const isBackward = (name: string) => name.startsWith("backward/");
  const forward = new Map(
    nodes.filter(({ name }) => name.startsWith("unet/"))
      .flatMap(({ outputs }) => outputs.map((value) => [value.name, sizeInBytes(value)])),
  );
  const read = new Set(
    nodes.filter(({ name }) => isBackward(name))
      .flatMap(({ inputs }) => inputs.map((value) => value?.name ?? "")),
  );
  return [...read].reduce((sum, name) => sum + (forward.get(name) ?? 0), 0);
}

test("plan B computes the same again, plan C nearly the same", async () => {
  const all = await run(graph("all", Infinity));
  const again = await run(graph("block-inputs", Infinity));
  const chunks = await run(graph("block-inputs", 10_000));
  for (const name of ["loss", "gradient1", "gradient2"]) {
    assert.deepEqual(again[name].data, all[name].data, name);
    assert.ok(relativeError(chunks[name].data, all[name].data) < 1e-6, name);
  }
});

test("plan B keeps less than a quarter of plan A's UNet", () => {
  const [all, again] = [
    keptBytes(graph("all", Infinity)),
    keptBytes(graph("block-inputs", Infinity)),
  ];
  assert.ok(again < all / 4, `${again} of ${all} bytes`);
});

test("attention's probabilities are computed again right before they are used", () => {
  for (const attentionBytes of [Infinity, 10_000]) {
    const order = runOrder(graph("all", attentionBytes));
    const place = new Map(order.flatMap(({ outputs }, i) => outputs.map(({ name }) => [name, i])));
    const isAgain = ({ op, name }: Node) => op === "Softmax" && name.startsWith("backward/");
    const waits = order.flatMap((node) =>
      node.inputs.flatMap((value) => {
        const maker = value === null ? undefined : place.get(value.name);
        return maker !== undefined && isAgain(order[maker])
          ? [place.get(node.outputs[0].name)! - maker]
          : [];
      })
    );
    assert.ok(waits.length > 0);
    assert.ok(Math.max(...waits) < 20, `${Math.max(...waits)} nodes`);
  }
});
