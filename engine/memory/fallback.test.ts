// A failed allocation takes the engine to the next memory plan, or the VAE to tiles, and that is said. The
// device is ONNX Runtime's on the CPU; the failures are injected where it loads and runs.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { DeviceMemoryFault, DeviceNumbersFault, faultOf } from "../device/device-fault.ts";
import { Device, type Loader } from "../device/device.ts";
import type { Fetches } from "../device/messages.ts";
import type { Graph } from "../graph/graph.ts";
import { relativeError } from "../probe/compare.ts";
import { normals } from "../random/draw.ts";
import { tensor, type TrainingBatch } from "../session/batch.ts";
import { Engine } from "../session/engine.ts";
import { openModel } from "../weights/model.ts";

const real = new Device({ provider: "cpu", threads: 1, mapWeights: true });
after(() => real.close());
const golden = fileURLToPath(new URL("../../tests/golden/a/model", import.meta.url));
const model = await openModel(golden);
const full = faultOf("cpu", "Failed to allocate memory for requested buffer of size 4294967296");

interface Failing extends Loader {
  live: number;
}

/** Fails the loads and the first runs of graphs that `fails` picks. */
function failing(where: "load" | "run", fails: (graph: Graph) => boolean): Failing {
  const loader: Failing = {
    provider: "cpu",
    live: 0,
    async load(graph, optimised) {
      const isDoomed = fails(graph);
      if (isDoomed && where === "load") throw full;
      const session = await real.load(graph, optimised);
      loader.live++;
      return {
        run: (feeds) => isDoomed ? Promise.reject(full) : session.run(feeds),
        release: () => (loader.live--, session.release()),
      };
    },
    close: () => Promise.resolve(),
  };
  return loader;
}

const random = (purpose: string, count: number) =>
  Float32Array.from(normals({ seed: 4, purpose, step: 0, item: 0 }, count));
const side = 8;
const latents = (purpose: string) => tensor(random(purpose, 4 * side * side), [1, 4, side, side]);
const widths = [model.configs.textEncoder.hidden_size, model.configs.textEncoder2.hidden_size];
const ids = [
  Array.from({ length: 77 }, (_, i) => i === 3 ? model.configs.textEncoder.vocab_size : 5),
];
const batch: TrainingBatch = {
  ids1: ids,
  ids2: ids,
  rows1: random("rows1", widths[0]),
  rows2: random("rows2", widths[1]),
  timesteps: [400],
  timeIds: [[64, 64, 0, 0, 64, 64]],
  noisy: latents("noisy"),
  target: latents("target"),
  weight: tensor(new Float32Array(side * side).fill(1 / (4 * side * side)), [1, 1, side, side]),
};
const isTraining = ({ outputs }: Graph) => outputs.some(({ name }) => name === "gradient1");

for (const where of ["load", "run"] as const) {
  test(`memory runs out at ${where}: the next plan, said, with the same gradients`, async () => {
    const wanted = await new Engine({ model, device: real, compute: "float32", plan: "A" })
      .trainStep(batch);
    let failures = 2;
    const device = failing(where, (graph) => isTraining(graph) && failures-- > 0);
    const said: string[] = [];
    const say = (text: string) => void said.push(text);
    const engine = new Engine({ model, device, compute: "float32", plan: "A", say });
    const found = await engine.trainStep(batch);
    assert.equal(engine.plan, "C");
    assert.deepEqual(said.map((text) => /plan ([BC]) from now on/.exec(text)?.[1]), ["B", "C"]);
    assert.match(said[0], /requested buffer of size/);
    assert.ok(relativeError(found.grad1, wanted.grad1) < 1e-5);
    assert.ok(relativeError(found.grad2, wanted.grad2) < 1e-5);
    assert.equal(device.live, 1, "what did not fit is released");
    await engine.trainStep(batch);
    assert.equal(said.length, 2);
    await engine.release("train");
  });
}

test("memory runs out under plan C too: the fault reaches the caller", async () => {
  const device = failing("run", isTraining);
  const engine = new Engine({ model, device, compute: "float32", plan: "B" });
  await assert.rejects(engine.trainStep(batch), DeviceMemoryFault);
  await engine.release("train");
  assert.equal(device.live, 0);
});

test("memory runs out in the VAE: it works in tiles from then on, said once", async () => {
  const picture = tensor(random("latents", 4 * 70 * 66), [1, 4, 70, 66]);
  const exact = await new Engine({ model, device: real, compute: "float32", plan: "A" })
    .decodeLatents(picture);
  const said: string[] = [];
  const say = (text: string) => void said.push(text);
  const isWhole = ({ inputs }: Graph) => inputs.some(({ shape }) => shape[2] > 64);
  const device = failing("load", isWhole);
  const engine = new Engine({ model, device, compute: "float32", plan: "A", say });
  const tiled = await engine.decodeLatents(picture);
  await engine.decodeLatents(picture);
  assert.deepEqual(tiled.dims, exact.dims);
  assert.ok(relativeError(tiled.data, exact.data) < 0.1);
  assert.equal(said.length, 1);
  assert.match(said[0], /decodes in tiles/);
});

test("a prediction and a text that find no room make the training's graph go, said, and compute", async () => {
  const denoising = { timesteps: [400], timeIds: batch.timeIds };
  const plain = new Engine({ model, device: real, compute: "float32", plan: "A" });
  const text = await plain.encodeText(batch);
  const wanted = (await plain.predict(batch.noisy, denoising, text)).data;
  const device = failing("run", (graph) => !isTraining(graph) && device.live > 0);
  const said: string[] = [];
  const say = (words: string) => void said.push(words);
  const engine = new Engine({ model, device, compute: "float32", plan: "A", say });
  for (const compute of ["text", "predict"] as const) {
    await engine.trainStep(batch);
    const found = compute === "text"
      ? (await engine.encodeText(batch)).context.data
      : (await engine.predict(batch.noisy, denoising, text)).data;
    assert.deepEqual(found, compute === "text" ? text.context.data : wanted);
    await engine.release("text", "predict");
  }
  assert.equal(said.length, 2);
  assert.match(said[0], /Memory ran out beside the training/);
  assert.equal(engine.plan, "A", "the plan of training stays");
  const none = failing("run", () => true);
  const full = new Engine({ model, device: none, compute: "float32", plan: "A" });
  await assert.rejects(full.encodeText(batch), DeviceMemoryFault);
});

/** A card whose training sessions give `spoilt` numbers for so many runs. */
function unsound(runs: number, spoilt: number) {
  let left = runs;
  const loader: Loader = {
    provider: "webgpu",
    async load(graph, optimised) {
      const session = await real.load(graph, optimised);
      const spoil = (results: Fetches): Fetches =>
        Object.fromEntries(
          Object.entries(results).map(([name, value]) => [
            name,
            name.startsWith("gradient") ? { ...value, data: value.data.map(() => spoilt) } : value,
          ]),
        );
      return {
        run: async (feeds) => {
          const results = await session.run(feeds);
          return "gradient1" in results && left-- > 0 ? spoil(results) : results;
        },
        release: () => session.release(),
      };
    },
    close: () => Promise.resolve(),
  };
  return loader;
}

for (const spoilt of [0, NaN]) {
  test(`gradients of ${spoilt} on a card: once more, then the next plan, then a fault`, async () => {
    const wanted = await new Engine({ model, device: real, compute: "float32", plan: "A" })
      .trainStep(batch);
    for (const [runs, plan, notes] of [[1, "A", 1], [2, "B", 2], [3, "C", 3]] as const) {
      const said: string[] = [];
      const say = (words: string) => void said.push(words);
      const device = unsound(runs, spoilt);
      const engine = new Engine({ model, device, compute: "float32", plan: "A", say });
      const { grad1 } = await engine.trainStep(batch);
      assert.ok(relativeError(grad1, wanted.grad1) < 1e-4);
      assert.deepEqual([engine.plan, said.length], [plan, notes]);
    }
    const engine = new Engine({
      ...{ model, device: unsound(Infinity, spoilt), compute: "float32", plan: "A" },
    });
    await assert.rejects(engine.trainStep(batch), DeviceNumbersFault);
  });
}
