// The model's bytes as another reader sees them (onnx-proto), and the weights as ONNX Runtime finds them by
// file, offset and length, against the engine's own reader.
import assert from "node:assert/strict";
import { mkdir, mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, sep } from "node:path";
import { after, before, test } from "node:test";
import onnxProto from "onnx-proto";
import { Device } from "../device/device.ts";
import { toBytes } from "../../lib/safetensors/convert.ts";
import { readHeader, writeSafetensors } from "../../lib/safetensors/safetensors.ts";
import type { WeightView } from "../../lib/safetensors/weight-view.ts";
import { GraphBuilder } from "./builder.ts";
import type { Graph } from "./graph.ts";
import { commonFolder, serialiseGraph } from "./serialise.ts";

const device = new Device({ provider: "cpu", threads: 1, mapWeights: true });
after(() => device.close());

let folder: string;
let views: readonly WeightView[];
before(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "gnomic-serialise-")));
  const files = ["unet/a.safetensors", "text/deep/b.safetensors"].map((name) => join(folder, name));
  for (const [index, file] of files.entries()) {
    await mkdir(join(file, ".."), { recursive: true });
    const data = Float32Array.from({ length: 6 }, (_, i) => 100 * index + i);
    await writeSafetensors(
      file,
      new Map((["F32", "F16", "BF16"] as const).map((dtype) => [
        dtype,
        { dtype, shape: [2, 3], data: () => [toBytes(data, dtype)] },
      ])),
    );
  }
  const headers = await Promise.all(files.map((file) => readHeader(file)));
  views = headers.flatMap(({ tensors }) => [...tensors.values()]);
});
after(() => rm(folder, { recursive: true }));

/** Every view, times an input of ones; and a part of the first view. */
function weightsGraph(): Graph {
  const g = new GraphBuilder();
  const ones = g.input("ones", [1]);
  const [{ offset, bytes, ...first }] = views;
  const row = { ...first, offset: offset + bytes / 2, bytes: bytes / 2, shape: [3] };
  const held = g.constant([1, 2, 3, 4, 5, 6], [2, 3]);
  return g.finish(Object.fromEntries([
    ...views.map((
      view,
      i,
    ) => [`w${i}`, g.apply("Mul", [g.scope(`${i}`, () => g.weight(view)), ones])]),
    ["row", g.apply("Mul", [g.weight(row), ones])],
    ["held", g.apply("Mul", [held, ones])],
  ]));
}

const path = (...parts: string[]) => sep + parts.join(sep);

test("the deepest folder that holds all files", () => {
  const common = (...files: string[][]) => commonFolder(files.map((parts) => path(...parts)));
  assert.equal(common(["a", "b", "x"], ["a", "b", "y"]), path("a", "b"));
  assert.equal(common(["a", "b", "x"], ["a", "c", "y"]), path("a"));
  assert.equal(common(["a", "b", "c", "x"], ["a", "b", "y"]), path("a", "b"));
  assert.equal(common(["a", "b", "y"], ["a", "b", "c", "x"]), path("a", "b"));
  assert.equal(common(["a", "bc", "x"], ["a", "b", "x"]), path("a"));
  assert.equal(common(["x"], ["a", "y"]), sep);
  assert.equal(common(["a", "x"], ["y"]), sep);
});

test("weights are named by file, offset and length, never copied", () => {
  const { model, folder: common } = serialiseGraph(weightsGraph());
  assert.equal(common, folder);
  const decoded = onnxProto.onnx.ModelProto.decode(model);
  const initializers = decoded.graph!.initializer!.filter(({ externalData }) =>
    externalData?.length
  );
  const places = initializers.map(({ externalData }) =>
    Object.fromEntries(externalData!.map(({ key, value }) => [key, value]))
  );
  const place = (view: WeightView) => ({
    location: view.file.slice(folder.length + 1).split(sep).join("/"),
    offset: `${view.offset}`,
    length: `${view.bytes}`,
  });
  const [{ offset, bytes, ...first }] = views;
  const row = { ...first, offset: offset + bytes / 2, bytes: bytes / 2 };
  assert.deepEqual(places, [...views, row].map(place));
});

test("ONNX Runtime finds the values there, of every dtype and in every folder", async () => {
  const session = await device.load(weightsGraph());
  const ones = { type: "float32" as const, dims: [1], data: Float32Array.of(1) };
  const computed = await session.run({ ones });
  views.forEach(({ file }, i) => {
    const start = file.includes("deep") ? 100 : 0;
    assert.deepEqual([...computed[`w${i}`].data], [0, 1, 2, 3, 4, 5].map((x) => start + x));
  });
  assert.deepEqual([...computed.row.data], [3, 4, 5]);
  assert.deepEqual([...computed.held.data], [1, 2, 3, 4, 5, 6]);
});

test("values between nodes have short names; inputs, outputs, weights and nodes keep theirs", () => {
  const graph = weightsGraph();
  const { node, input, output, initializer } = onnxProto.onnx.ModelProto.decode(
    serialiseGraph(graph).model,
  ).graph!;
  const namesOf = (list: readonly { name?: string | null }[]) => list.map(({ name }) => name);
  assert.deepEqual(namesOf(node!).toReversed(), namesOf(graph.nodes));
  assert.deepEqual(namesOf(input!), namesOf(graph.inputs));
  assert.deepEqual(namesOf(output!), namesOf(graph.outputs));
  const weights = namesOf(graph.frozen.map(({ value }) => value));
  assert.deepEqual(namesOf(initializer!), weights);
  const known = new Set([...namesOf(input!), ...namesOf(output!), ...weights]);
  const between = node!.flatMap((each) => each.output!).filter((name) => !known.has(name));
  assert.ok(between.length > 0 && between.every((name) => /^\d+$/.test(name)));
  assert.equal(new Set(between).size, between.length);
});
