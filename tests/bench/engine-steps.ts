// A process that trains nothing but steps: opens a model, compiles the training graph, runs it, and
// prints one JSON line. What the engine takes, without the runner around it.
//   engine-steps.ts MODEL PIXELS PLAN THREADS STEPS
import { readFileSync } from "node:fs";
import { Device } from "../../engine/device/device.ts";
import { noiseSchedule } from "../../engine/diffusion/noise-schedule.ts";
import { prepareStep } from "../../engine/diffusion/objective.ts";
import type { MemoryPlan } from "../../engine/memory/memory-plan.ts";
import { normals } from "../../engine/random/draw.ts";
import { tensor } from "../../engine/session/batch.ts";
import { Engine } from "../../engine/session/engine.ts";
import { openModel } from "../../engine/weights/model.ts";

const [path, pixels, plan, threads, steps] = process.argv.slice(2);
const memory = (field: string) => {
  const status = readFileSync("/proc/self/status", "utf8");
  return Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)![1]) * 1024;
};

const model = await openModel(path);
const device = new Device({ provider: "cpu", threads: Number(threads), mapWeights: true });
const engine = new Engine({ model, device, compute: "float32", plan: plan as MemoryPlan });
const side = Number(pixels) / 8;
const shape = [1, 4, side, side];
const drawn = (purpose: string, step: number, count: number) =>
  Float32Array.from(normals({ seed: 1, purpose, step, item: 0 }, count));
const { textEncoder, textEncoder2 } = model.configs;
const vectors = 4;
const first = textEncoder.vocab_size;
const words = [49406, 320, 1125, 539, 320, first, first + 1, first + 2, first + 3, 49407];
const ids = [Array.from({ length: 77 }, (_, i) => words[i] ?? 49407)];
const schedule = noiseSchedule(model.configs.scheduler);

async function step(index: number): Promise<number> {
  const timesteps = [100 + 97 * index % 800];
  const { noisy, target, weight } = prepareStep({
    shape,
    latents: drawn("latents", 0, 4 * side * side),
    noise: drawn("noise", index, 4 * side * side),
    timesteps,
  }, { schedule, minSnrGamma: null, vMinSnr: "reference", maskNormalise: false });
  const start = performance.now();
  await engine.trainStep({
    ids1: ids,
    ids2: ids,
    rows1: drawn("rows1", 0, vectors * textEncoder.hidden_size),
    rows2: drawn("rows2", 0, vectors * textEncoder2.hidden_size),
    timesteps,
    timeIds: [[Number(pixels), Number(pixels), 0, 0, Number(pixels), Number(pixels)]],
    noisy: tensor(noisy, shape),
    target: tensor(target, shape),
    weight: tensor(weight, [1, 1, side, side]),
  });
  return (performance.now() - start) / 1000;
}

const seconds: number[] = [];
await step(0);
const firstStepAt = Date.now();
for (let i = 1; i < Number(steps); i++) seconds.push(await step(i));
const peak = memory("VmHWM");
await device.close();
console.log(JSON.stringify({ firstStepAt, seconds, peak }));
