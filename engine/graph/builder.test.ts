// What the rest relies on: a graph that is built twice is the same to the byte, every value has a name of
// its own that tells where in the model it is, and a weight used twice is held once.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { trainGraph } from "../networks/graphs.ts";
import { type Model, openModel } from "../weights/model.ts";
import type { WeightView } from "../../lib/safetensors/weight-view.ts";
import { GraphBuilder } from "./builder.ts";
import { elementCode } from "./graph.ts";
import { serialiseGraph } from "./serialise.ts";

let model: Model;
before(async () => {
  model = await openModel(fileURLToPath(new URL("../../tests/golden/b/model", import.meta.url)));
});
const build = () =>
  trainGraph(model, { batch: 1, height: 10, width: 6 }, {
    compute: "float32",
    keep: "block-inputs",
    attentionBytes: 20_000,
  });

test("the same model gives the same bytes", () => {
  assert.deepEqual(serialiseGraph(build()), serialiseGraph(build()));
});

test("every value has its own name, and nodes read like the model", () => {
  const { nodes, inputs, frozen, outputs } = build();
  const made = nodes.flatMap((node) => node.outputs.map(({ name }) => name));
  const names = [...made, ...inputs.map(({ name }) => name), ...frozen.map((f) => f.value.name)];
  assert.equal(new Set(names).size, names.length);
  const known = new Set(names);
  for (const node of nodes) {
    for (const input of node.inputs) assert.ok(input === null || known.has(input.name), node.name);
  }
  assert.deepEqual(outputs.map(({ name }) => name), ["loss", "gradient1", "gradient2"]);
  const all = nodes.map(({ name }) => name).join("\n");
  assert.match(
    all,
    /^unet\/down_blocks\.1\/attentions\.0\/transformer_blocks\.0\/attn2\/MultiHeadAttention$/m,
  );
  assert.match(all, /^text_encoder\/text_model\/encoder\.layers\.0\/mlp\/fc1\/Gemm$/m);
  assert.match(all, /^backward\/.*unet\/conv_out/m);
});

test("a weight used twice is held once, and cast anew for each use", () => {
  const view: WeightView = { name: "w", dtype: "F16", shape: [3], file: "/f", offset: 8, bytes: 6 };
  const g = new GraphBuilder();
  const [first, second] = [g.weight(view), g.weight(view)];
  const again = g.weightAgain(first);
  assert.notEqual(again.name, first.name);
  const sum = g.apply("Add", [g.apply("Add", [first, second]), again]);
  const { frozen, nodes } = g.finish({ sum });
  assert.equal(frozen.length, 1);
  const casts = nodes.filter(({ op, inputs }) => op === "Cast" && inputs[0]!.dtype === "float16");
  assert.ok(casts.every(({ attributes }) => attributes.to === elementCode.float32));
  assert.equal(casts.length, 3);
  assert.equal(g.weightAgain(sum), sum);
});

test("constants are held once for each value and shape", () => {
  const g = new GraphBuilder();
  assert.equal(g.constant([2]), g.constant([2]));
  assert.notEqual(g.constant([2]).name, g.constant([2], [1]).name);
  assert.notEqual(g.constant([1, 2], [2]).name, g.constant([2, 1], [2]).name);
  assert.equal(g.integers([1, 2]), g.integers([1, 2]));
});

test("what a file stores otherwise than as a float is refused", () => {
  const view: WeightView = { name: "w", dtype: "I8", shape: [3], file: "/f", offset: 8, bytes: 3 };
  assert.throws(() => new GraphBuilder().weight(view), { _tag: "GraphError", tensor: "w" });
});
