// One compiled graph for each kind, batch and size, used again and again: a step makes no session. The
// device is ONNX Runtime's, with its loads counted.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Device, type Loader, type Session } from "../device/device.ts";
import { noiseSchedule } from "../diffusion/noise-schedule.ts";
import { prepareStep } from "../diffusion/objective.ts";
import type { Graph } from "../graph/graph.ts";
import { decodeProbeInputs } from "../probe/probe-inputs.ts";
import { openModel } from "../weights/model.ts";
import { readSafetensors } from "../../lib/safetensors/safetensors.ts";
import { tensor, type TrainingBatch } from "./batch.ts";
import { Engine } from "./engine.ts";

const golden = fileURLToPath(new URL("../../tests/golden/c/", import.meta.url));
const device = new Device({ provider: "cpu", threads: 1, mapWeights: true });
after(() => device.close());

class CountingDevice implements Loader {
  readonly provider = "cpu";
  loads = 0;
  live = 0;
  /** What was asked of it, and what it answered, in order. */
  readonly log: string[] = [];
  /** What the next load fails with. */
  failure: Error | undefined;

  async load(graph: Graph): Promise<Session> {
    this.loads++;
    this.log.push("load");
    const { failure } = this;
    this.failure = undefined;
    if (failure !== undefined) throw failure;
    const session = await device.load(graph);
    this.live++;
    return {
      run: async (feeds) => {
        this.log.push("run");
        const fetches = await session.run(feeds);
        this.log.push("ran");
        return fetches;
      },
      release: async () => {
        this.live--;
        await session.release();
      },
    };
  }

  async close(): Promise<void> {}
}

let batch: TrainingBatch;
let open: (
  trainingSessions?: number,
) => Promise<{ engine: Engine; counting: CountingDevice }>;
before(async () => {
  const model = await openModel(`${golden}model`);
  const file = `${golden}inputs.safetensors`;
  const inputs = decodeProbeInputs(await readSafetensors(file), model, file);
  const { latents, noise, timesteps, timeIds } = inputs.denoising!;
  const { noisy, target, weight } = prepareStep({
    shape: latents.dims,
    latents: latents.data,
    noise: noise.data,
    timesteps,
  }, {
    schedule: noiseSchedule(model.configs.scheduler),
    minSnrGamma: null,
    vMinSnr: "reference",
    maskNormalise: false,
  });
  const [count, , height, width] = latents.dims;
  batch = {
    ...inputs.captions!,
    timesteps,
    timeIds,
    noisy: tensor(noisy, latents.dims),
    target: tensor(target, latents.dims),
    weight: tensor(weight, [count, 1, height, width]),
  };
  open = (trainingSessions) => {
    const counting = new CountingDevice();
    const options = { model, device: counting, compute: "float32", plan: "A" } as const;
    const engine = new Engine(
      trainingSessions === undefined ? options : { ...options, trainingSessions },
    );
    return Promise.resolve({ engine, counting });
  };
});

/** The batch's first item alone. */
const first = (): TrainingBatch => {
  const part = ({ data, dims }: TrainingBatch["noisy"]) =>
    tensor(data.slice(0, data.length / dims[0]), [1, ...dims.slice(1)]);
  return {
    ...batch,
    ids1: batch.ids1.slice(0, 1),
    ids2: batch.ids2.slice(0, 1),
    timesteps: batch.timesteps.slice(0, 1),
    timeIds: batch.timeIds.slice(0, 1),
    noisy: part(batch.noisy),
    target: part(batch.target),
    weight: part(batch.weight),
  };
};

test("steps of one size share one session and give the same result", async () => {
  const { engine, counting } = await open();
  await engine.prepareTraining({ batch: 2, height: 10, width: 6 });
  const steps = [await engine.trainStep(batch), await engine.trainStep(batch)];
  assert.deepEqual(steps[0], steps[1]);
  await Promise.all([engine.trainStep(batch), engine.trainStep(batch)]);
  assert.equal(counting.loads, 1);

  await engine.trainStep(first());
  assert.equal(counting.loads, 2);
  await engine.trainStep(batch);
  assert.equal(counting.loads, 2);
});

test("each kind of graph has its own, and released ones are made again", async () => {
  const { engine, counting } = await open();
  const all = async () => {
    const text = await engine.encodeText(batch);
    await engine.predict(batch.noisy, batch, text);
    await engine.loss(batch);
    const { mean } = await engine.encodeImage(tensor(new Float32Array(3 * 16), [1, 3, 4, 4]));
    await engine.decodeLatents(mean);
  };
  await all();
  await all();
  assert.equal(counting.loads, 5);
  await engine.release("predict", "decode");
  assert.equal(counting.live, 3);
  await all();
  assert.deepEqual([counting.loads, counting.live], [7, 5]);
});

test("where only one size is kept, the other's session makes room first", async () => {
  const { engine, counting } = await open(1);
  const steps = [];
  for (const part of [batch, first(), batch, batch]) {
    steps.push(await engine.trainStep(part));
    assert.equal(counting.live, 1);
  }
  assert.equal(counting.loads, 3);
  assert.deepEqual(steps[2], steps[0]);
});

const sizeOfFirst = { batch: 1, height: 10, width: 6 };

test("the following step's graph is made while a step runs, and then used", async () => {
  const { engine, counting } = await open();
  const { log } = counting;
  const step = await engine.trainStep(batch, sizeOfFirst);
  assert.deepEqual(log, ["load", "run", "load", "ran"]);
  await engine.trainStep(first(), { batch: 2, height: 10, width: 6 });
  assert.deepEqual(log.slice(4), ["run", "ran"]);
  assert.deepEqual(await engine.trainStep(batch, sizeOfFirst), step);
  assert.equal(counting.loads, 2);
});

test("the following step's graph disturbs no step: it waits for room, and may fail", async () => {
  const alone = await open(1);
  await alone.engine.trainStep(batch, sizeOfFirst);
  await alone.engine.trainStep(batch, sizeOfFirst);
  assert.deepEqual([alone.counting.loads, alone.counting.live], [1, 1]);

  const { engine, counting } = await open();
  const step = await engine.trainStep(batch);
  counting.failure = new Error("no memory");
  assert.deepEqual(await engine.trainStep(batch, sizeOfFirst), step);
  assert.equal(counting.loads, 2);
  assert.ok(Number.isFinite((await engine.trainStep(first())).loss));
  assert.equal(counting.loads, 3);
});

test("a load that failed is tried again by the next step", async () => {
  const { engine, counting } = await open();
  counting.failure = new Error("no memory");
  await assert.rejects(engine.loss(batch), /no memory/);
  assert.ok(Number.isFinite(await engine.loss(batch)));
  assert.equal(counting.loads, 2);
});

test("ids out of range are refused before a session is made", async () => {
  const { engine, counting } = await open();
  const wrong = { ...batch, ids2: batch.ids2.map((ids) => ids.with(1, 5000)) };
  for (const use of [engine.trainStep(wrong), engine.loss(wrong), engine.encodeText(wrong)]) {
    await assert.rejects(use, { _tag: "TokenIdFault", found: "5000" });
  }
  assert.equal(counting.loads, 0);
});
