// A choice names a file that goes on to hold the rows of its step.
import assert from "node:assert/strict";
import { test } from "node:test";
import { checkpointAt } from "./checkpoint-at.ts";
import type { RunEvent } from "./events.ts";

const at = 0;
const epoch = 1;
const saved = (step: number): RunEvent =>
  ({ event: "checkpoint", at, step, epoch, path: `checkpoints/${step}`, best: false }) as RunEvent;
const best = (step: number): RunEvent =>
  ({ event: "checkpoint", at, step, epoch, path: "best", best: true }) as RunEvent;
const pruned = (step: number): RunEvent =>
  ({ event: "checkpoint-pruned", at, step, path: `checkpoints/${step}` }) as RunEvent;

test("a step's own checkpoint goes before the best file, which the next best replaces", () => {
  assert.equal(checkpointAt([saved(5), best(5)], 5)?.path, "checkpoints/5");
  assert.equal(checkpointAt([best(5), saved(5)], 5)?.path, "checkpoints/5");
});

test("the best file holds the rows of the latest best step alone", () => {
  assert.equal(checkpointAt([best(5)], 5)?.path, "best");
  assert.equal(checkpointAt([best(5), best(10)], 5), undefined);
  assert.equal(checkpointAt([best(5), best(10)], 10)?.path, "best");
});

test("what was pruned holds nothing", () => {
  assert.equal(checkpointAt([saved(5), pruned(5)], 5), undefined);
  assert.equal(checkpointAt([saved(5), best(5), pruned(5)], 5)?.path, "best");
});
