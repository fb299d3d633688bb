// A step of two micro-batches of other sizes: the engine hears of each next size while it computes. The
// engine is a stand-in that answers nothing and keeps what it was told.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Effect } from "effect";
import { startOptimizer } from "../../engine/optimise/optimizer.ts";
import type { Engine } from "../../engine/session/engine.ts";
import { bundledConfigs } from "../../engine/weights/folder-configs.ts";
import type { MicroBatch } from "./batch-plan.ts";
import { gradientTools } from "./gradient.fixture.ts";
import { stepGradient } from "./train.ts";

const micro = (index: number, ...examples: number[]): MicroBatch => ({
  epoch: 0,
  micro: index,
  examples,
});

const start = (rows: readonly Float64Array[]) => startOptimizer({ optimizer_type: "AdamW" }, rows);

test("the engine is told the next micro-batch's size, across steps too, and of none at the end", async () => {
  const told: unknown[] = [];
  const engine = {
    model: await bundledConfigs(),
    trainStep: (batch: { noisy: { dims: readonly number[] } }, following?: object) => {
      told.push([batch.noisy.dims, following]);
      return Promise.resolve({ loss: 1, grad1: [0], grad2: [0] });
    },
  } as unknown as Engine;
  const tools = gradientTools(engine, [[2, 3], [2, 3], [4, 1], [1, 6]]);
  const rows = [Float64Array.of(0), Float64Array.of(0)] as const;
  const step = (next?: MicroBatch) =>
    Effect.runPromise(stepGradient([micro(0, 0, 1), micro(1, 2)], next, start(rows), tools));

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

test("a loss or gradient that is no number ends a training as the user's to change, as a fixed loss does", async () => {
  const model = await bundledConfigs();
  const sound = { loss: 1, grad1: [0], grad2: [0] };
  const rows = [Float64Array.of(0), Float64Array.of(0)] as const;
  for (const bad of [{ loss: NaN }, { grad1: [Infinity] }, { grad2: [NaN] }]) {
    const trainStep = () => Promise.resolve({ ...sound, ...bad });
    const tools = gradientTools({ model, trainStep } as unknown as Engine, [[2, 3]]);
    const step = stepGradient([micro(0, 0)], undefined, start(rows), tools);
    const { kind, message } = await Effect.runPromise(Effect.flip(step));
    assert.equal(kind, "user", "so the exit code is 2, and no command is advised that fails again");
    assert.match(message, /gradient of batch 0 \(epoch 0: gnome\).*the training diverged/);
  }
});

test("the reference's pull comes between micro-batches: the next sees pulled rows, the last is not pulled", async () => {
  const seen: number[][] = [];
  const engine = {
    model: await bundledConfigs(),
    trainStep: ({ rows1 }: { rows1: Float64Array }) => {
      seen.push([...rows1]);
      return Promise.resolve({ loss: 1, grad1: [0, 0], grad2: [0, 0] });
    },
  } as unknown as Engine;
  const tools = gradientTools(engine, [[2, 3], [2, 3]]);
  const rules = { ...tools.rules, stdPull: "micro_step" } as const;
  const rows = [Float64Array.of(1, 3), Float64Array.of(1, 3)];
  const { state } = await Effect.runPromise(
    stepGradient([micro(0, 0), micro(1, 1)], undefined, start(rows), { ...tools, rules }),
  );
  // Their standard deviation is the root of 2, the vocabulary's 1.
  const pulled = [1, 3].map((value) => value * 2 ** -0.05);
  assert.deepEqual(seen[0], [1, 3]);
  for (const found of [seen[1], [...state.rows[0]]]) {
    found.forEach((value, i) => assert.ok(Math.abs(value - pulled[i]) < 1e-12, `${found}`));
  }
});
