import assert from "node:assert/strict";
import { test } from "node:test";
import type { RunEvent, UnstampedTrainingEvent } from "../inversion/events.ts";
import { stepEvent } from "../inversion/testing/step-event.ts";
import { type ProgressMode, progressObserver } from "./progress.ts";

const step = (n: number, loss: number, seconds = 0.2) =>
  stepEvent(n, { loss, seconds, rssBytes: 512e6 });
const started: UnstampedTrainingEvent = {
  event: "run-started",
  run: "r",
  trigger: "t",
  attempt: 1,
  step: 0,
  totalSteps: 100,
  device: "cpu",
  versions: {},
};

/** What is written, for events at these times in milliseconds. */
function shown(
  mode: ProgressMode,
  isTTY: boolean,
  events: readonly (readonly [at: number, event: UnstampedTrainingEvent])[],
): string {
  const clock = { at: 0 };
  let text = "";
  const screen = { isTTY, columns: 120, write: (part: string) => text += part };
  const { onEvent, close } = progressObserver(screen, mode, () => clock.at);
  for (const [at, event] of events) {
    clock.at = at;
    onEvent({ at, ...event } as RunEvent);
  }
  close();
  return text;
}

test("plain lines now and then: step, smoothed loss, rate, time, what is left, memory, last saved", () => {
  const text = shown("full", false, [
    [0, started],
    [1000, step(1, 1, 9)],
    [1200, step(2, 3)],
    [20_000, { event: "checkpoint", step: 2, epoch: 0, path: "checkpoints/a", best: false }],
    [40_000, step(3, 2)],
    [41_000, step(4, 2)],
  ]);
  const lines = text.trimEnd().split("\n");
  // The debiased average of 1, 3 and 2 with weight 0.95 for what was before.
  const smoothed = (1 * 0.95 ** 2 + 3 * 0.95 + 2) / (0.95 ** 2 + 0.95 + 1);
  assert.deepEqual(lines, [
    "step 1/100  loss 1.0000  512 MB",
    "step 2: checkpoints/a",
    "step 2/100  loss 2.0256  5.0/s  200 ms  20 s left  512 MB  saved 2",
    `step 3/100  loss ${smoothed.toFixed(4)}  5.0/s  200 ms  19 s left  512 MB  saved 2`,
  ]);
  assert.ok(!text.includes("\x1b"));
});

test("the last step is shown at once; the best one's file is not the last saved", () => {
  const path = "checkpoints/a";
  const text = shown("full", false, [
    [0, started],
    [1000, step(98, 1)],
    [1200, { event: "checkpoint", step: 98, epoch: 0, path, best: false }],
    [1300, { event: "checkpoint", step: 99, epoch: 0, path: "best", best: true }],
    [1400, step(99, 1)],
    [1500, step(100, 1)],
  ]);
  const lines = text.trimEnd().split("\n").filter((line) => line.includes("/100"));
  assert.deepEqual(lines, [
    "step 98/100  loss 1.0000  512 MB",
    "step 100/100  loss 1.0000  5.0/s  200 ms  512 MB  saved 98",
  ]);
});

test("on a terminal one line is written over, and lasting lines go above it", () => {
  const text = shown("full", true, [
    [0, started],
    [1000, step(1, 1)],
    [1050, step(2, 1)],
    [1060, { event: "note", text: "a remark" }],
  ]);
  assert.equal(
    text,
    "\rstep 1/100  loss 1.0000  512 MB\x1b[K" + "\r\x1b[K" + "a remark\n",
  );
});

test("quiet: only what needs attention", () => {
  const text = shown("quiet", true, [
    [0, started],
    [20_000, step(1, 1)],
    [20_001, { event: "note", text: "a remark" }],
    [20_002, { event: "warning", text: "it learns nothing" }],
    [20_003, { event: "validation-failed", step: 1, epoch: 0, error: "no memory" }],
  ]);
  assert.equal(text, "Warning: it learns nothing\nstep 1: validation failed: no memory\n");
});

test("json: every event, one a line, and nothing else", () => {
  const text = shown("json", true, [[0, started], [1, step(1, 1)], [2, step(2, 1)]]);
  const events = text.trimEnd().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(events.map(({ event, at }) => [event, at]), [
    ["run-started", 0],
    ["step", 1],
    ["step", 2],
  ]);
});

test("control characters in a prompt or an error do not reach the terminal", () => {
  const text = shown("full", true, [[0, { event: "note", text: "a\x1b[2Jb\nc\u202e" }]]);
  assert.equal(text, "ab c \n");
});

test("another stage's progress, and what is left of it, stand until it is done", () => {
  const progress = (done: number): UnstampedTrainingEvent => ({
    event: "stage-progress",
    stage: "encode-latents",
    done,
    total: 4,
    unit: "pictures",
  });
  const text = shown("full", true, [1, 2, 3, 4].map((done) => [4000 * done, progress(done)]));
  assert.deepEqual(text.replaceAll("\x1b[K", "").split("\r"), [
    "",
    "encode-latents: 1 of 4 pictures",
    "encode-latents: 2 of 4 pictures, 8 s left",
    "encode-latents: 3 of 4 pictures, 4 s left",
    "",
  ]);
});
