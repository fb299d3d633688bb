// A step of two micro-batches of other sizes: the engine hears of each next size while it computes. The
// engine is a stand-in that answers nothing and keeps what it was told.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Effect } from "effect";
import { noiseSchedule } from "../../engine/diffusion/noise-schedule.ts";
import type { Engine } from "../../engine/engine.ts";
import { bundledConfigs } from "../../engine/weights/folder-configs.ts";
import { type GradientTools, stepGradient } from "./gradient.ts";

const blob = { digest: "0".repeat(64), bytes: 0 };
const view = (height: number, width: number) => ({
  size: [height, width] as const,
  original_size: [8 * height, 8 * width] as const,
  crop_top_left: [0, 0] as const,
  target_size: [8 * height, 8 * width] as const,
  flipped: false,
  posterior: blob,
  mask: null,
});
const micro = (index: number, ...examples: number[]) => ({ epoch: 0, micro: index, examples });

test("the engine is told the following micro-batch's size, across steps too, and of none at the end", async () => {
  const { configs } = await bundledConfigs();
  const told: unknown[] = [];
  const engine = {
    model: { configs },
    trainStep: (batch: { noisy: { dims: readonly number[] } }, following?: object) => {
      told.push([batch.noisy.dims, following]);
      return Promise.resolve({ loss: 1, grad1: [0], grad2: [0] });
    },
  } as unknown as Engine;
  const sizes = [[2, 3], [2, 3], [4, 1], [1, 6]] as const;
  const train = sizes.map(([height, width], i) => ({ id: `${i}`, views: [view(height, width)] }));
  const part = { text: "", ids: [[], []], followed: null };
  const frame = { startId: 0, endId: 1, padId: 1 };
  const tools = {
    engine,
    drawing: {
      seed: 1,
      latents: { channels: 4, train, heldOut: [] },
      tokens: {
        captions: [[part]],
        train: train.map(({ id }) => ({ id, captions: [0] })),
        frames: [frame, frame],
        shuffle_delimiter: null,
      },
      timesteps: 1000,
      useMasks: false,
      read: ({ size: [height, width] }: { size: readonly [number, number] }) =>
        Effect.succeed({
          mean: new Float32Array(4 * height * width),
          logvar: new Float32Array(4 * height * width),
          mask: null,
        }),
    },
    objective: {
      schedule: noiseSchedule(configs.scheduler),
      minSnrGamma: null,
      vMinSnr: "reference",
      maskNormalise: false,
    },
    accumulation: 2,
    rules: {},
    tools: { withResource: (_: string, work: Effect.Effect<unknown>) => work },
  } as unknown as GradientTools;
  const rows = [Float64Array.of(0), Float64Array.of(0)] as const;
  const step = (next?: ReturnType<typeof micro>) =>
    Effect.runPromise(stepGradient([micro(0, 0, 1), micro(1, 2)], next, rows, tools));

  await step(micro(2, 3));
  await step();
  const [first, second] = [[2, 4, 2, 3], [1, 4, 4, 1]];
  assert.deepEqual(told, [
    [first, { batch: 1, height: 4, width: 1 }],
    [second, { batch: 1, height: 1, width: 6 }],
    [first, { batch: 1, height: 4, width: 1 }],
    [second, undefined],
  ]);
});
