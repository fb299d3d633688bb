import assert from "node:assert/strict";
import { test } from "node:test";
import { Effect, Schema } from "effect";
import { stream } from "../artefact.ts";
import { defineStage } from "../stage.ts";
import type { StageUse } from "./pipeline.ts";
import { plain } from "../testing/toy-stages.ts";
import { wire } from "./wiring.ts";

const ticks = stream("ticks", Schema.Int);
const about = { ...plain, lifetime: "run" } as const;
const nothing = () => Effect.succeed({});
const clock = defineStage({
  ...about,
  name: "clock",
  reads: {},
  writes: { ticks },
  run: nothing,
});
const ear = defineStage({ ...about, name: "ear", reads: { ticks }, writes: {}, run: nothing });

const step = (id: string, stage: typeof clock | typeof ear, more: Partial<StageUse> = {}) => ({
  id,
  stage,
  use: { use: stage.name, ...more },
});
const said = async (...steps: Parameters<typeof wire>[0]) => {
  const fault = await Effect.runPromise(Effect.flip(wire(steps, (key) => ({ file: key }))));
  return fault.message;
};

test("a stage of the run's folder stands in a pipeline once", async () => {
  const twice = await said(step("a", clock), step("b", ear, { reads: { ticks: "a.ticks" } }), {
    ...step("c", clock),
  });
  assert.match(twice, /^stages\.c stages\.c: wanted one clock, .* found it already as a\./);
});

test("whoever waits for a stream holds no resource meanwhile", async () => {
  const resources = { device: 1 };
  const held = await said(step("a", clock, { resources }), step("b", ear, { resources }));
  assert.match(held, /^stages\.b\.resources stages\.b\.resources: .* found device\./);
  const own = await said(step("a", clock), step("b", { ...ear, resources }));
  assert.match(own, /^stages\.b stages\.b: .* found device\./);
});
