// The state of a run after events that a simple training does not show: resuming, pruning, a best file
// that moves on, late and failed validations.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { RunEvent, UnstampedTrainingEvent } from "../../inversion/events.ts";
import { stepEvent } from "../../inversion/testing/step-event.ts";
import { checkpointAt, remainingSeconds, totalSeconds, workedSeconds } from "./run-answers.js";
import { foldEvent } from "./fold-event.js";
import { emptyRunState } from "./run-state.js";

function folded(events: readonly UnstampedTrainingEvent[]) {
  const state = emptyRunState();
  events.forEach((event, i) => foldEvent(state, { at: i, ...event } as RunEvent));
  return state;
}

const started = (attempt: number, step: number): UnstampedTrainingEvent => ({
  event: "run-started",
  run: "r",
  trigger: "t",
  attempt,
  step,
  totalSteps: 10,
  device: "cpu",
  versions: {},
});

const step = (number: number, seconds: number) => stepEvent(number, { epoch: 1, seconds });

test("a resumed run is running again, from its first start on", () => {
  const stopped = [started(1, 0), step(1, 1), { event: "run-stopped", step: 1, reason: "asked" }];
  assert.equal(folded(stopped as UnstampedTrainingEvent[]).outcome?.kind, "stopped");
  const resumed = folded([...stopped as UnstampedTrainingEvent[], started(2, 1), step(2, 3)]);
  assert.equal(resumed.outcome, null);
  assert.equal(resumed.attempts, 2);
  assert.equal(resumed.startedAt, 0);
  assert.equal(remainingSeconds(resumed), 8 * 2);
});

test("of a length in epochs the steps are known once the training has said them", () => {
  const start = { ...started(1, 0), totalSteps: 0 } as UnstampedTrainingEvent;
  const progress = { event: "stage-progress", stage: "train", done: 0, total: 6, unit: "steps" };
  assert.equal(folded([start, progress as UnstampedTrainingEvent, step(1, 2)]).totalSteps, 6);
});

test("a stage that was running when the run ended does not run any more", () => {
  const state = folded([
    { event: "plan", stages: [{ stage: "a", cached: false, why: "new" }] },
    { event: "stage-started", stage: "a" },
    { event: "stage-retried", stage: "a", attempt: 2, error: "busy", delaySeconds: 1 },
    { event: "run-failed", step: 3, error: "no disk" },
  ]);
  assert.deepEqual(
    state.stages.map(({ stage, state, retries }) => [stage, state, retries.length]),
    [["a", "ended", 1]],
  );
  assert.equal(state.outcome?.text, "no disk");
});

test("a step's rows are in its own file, else in the best file while it is the best", () => {
  const checkpoint = (step: number, path: string, best: boolean): UnstampedTrainingEvent => ({
    event: "checkpoint",
    step,
    epoch: 1,
    path,
    best,
  });
  const events = [
    checkpoint(5, "best", true),
    checkpoint(6, "six", false),
    checkpoint(7, "seven", false),
    checkpoint(7, "best", true),
    { event: "checkpoint-pruned", step: 6, path: "six" } as const,
  ];
  const at = (step: number, count = events.length) =>
    checkpointAt(folded(events.slice(0, count)), step)?.path;
  assert.equal(at(5, 1), "best");
  assert.equal(at(5), undefined);
  assert.equal(at(6, 4), "six");
  assert.equal(at(6), undefined);
  assert.equal(at(7), "seven");
  assert.equal(at(8), undefined);
});

test("a validation that failed may be tried again", () => {
  const common = { step: 4, epoch: 1 };
  const events: UnstampedTrainingEvent[] = [
    { event: "validation-started", ...common, pictures: 1 },
    { event: "validation-failed", ...common, error: "no memory" },
    { event: "validation-started", ...common, pictures: 1 },
    {
      event: "validation-picture",
      ...common,
      prompt: 0,
      image: 0,
      text: "x",
      path: "p",
      width: 1,
      height: 1,
    },
    { event: "validation-finished", ...common, seconds: 1 },
  ];
  assert.equal(folded(events.slice(0, 2)).validations[4].error, "no memory");
  const { state, error, pictures } = folded(events).validations[4];
  assert.deepEqual([state, error, Object.keys(pictures)], ["finished", null, ["0-0"]]);
  assert.equal(folded(events.slice(0, 3)).validations[4].state, "running");
  assert.equal(folded(events.slice(0, 4)).validations[4].state, "finished");

  const following = [{ pooling: "argmax", mean: 0.5, error: 0.1 }];
  const two = [{ ...events[0], pictures: 2 }, events[3], { ...events[4], following }, events[2]];
  const at = (count: number) => folded(two.slice(0, count) as UnstampedTrainingEvent[]);
  assert.equal(at(2).validations[4].state, "running", "one of two is drawn");
  assert.deepEqual([at(3).validations[4].state, at(3).validations[4].endedAt], ["finished", 2]);
  assert.deepEqual(at(4).following, following);
});

test("of what is measured the first and the last are kept, and the fifty before for a mean", () => {
  const fixed = (step: number, loss: number, more: object = {}) =>
    ({ event: "fixed-loss", step, loss, bestStep: step, bestLoss: loss, ...more }) as const;
  const steps = Array.from({ length: 60 }, (_, i) => step(i + 1, i));
  const aboveBest = { difference: 0, error: 1 };
  const { metrics, fixedLoss } = folded([
    fixed(0, 5, { varianceRatio: null }),
    ...steps,
    fixed(60, 3, { varianceRatio: 0.5, heldOut: true, aboveBest }),
  ] as UnstampedTrainingEvent[]);
  assert.deepEqual(fixedLoss, {
    ...{ first: 5, last: 3, bestStep: 60, bestLoss: 3, varianceRatio: 0.5 },
    ...{ heldOut: true, aboveBest, under: null },
  });
  const { first, last, step: at, recent } = metrics.seconds;
  assert.deepEqual([first, last, at], [0, 59, 60]);
  assert.deepEqual(recent, Array.from({ length: 50 }, (_, i) => i + 10));
  assert.deepEqual(metrics.loss.recent, [], "no mean is shown of it");
  assert.equal("adaptedRate" in metrics, false, "nothing was measured");
});

test("the nearest word of a row is kept where it changes", () => {
  const rows = (step: number, word: string): UnstampedTrainingEvent => ({
    event: "rows",
    step,
    encoders: [{
      name: "clip_l",
      norms: [1],
      cosines: [1],
      vocabularyNorms: [1, 1, 1],
      nearest: [[[word, 0.9]]],
    }],
  });
  const { words } = folded([rows(0, "gnome"), rows(5, "gnome"), rows(10, "elf"), rows(15, "elf")]);
  assert.deepEqual(words.clip_l, [[{ from: 0, word: "gnome" }, { from: 10, word: "elf" }]]);
});

test("pictures of prompts that somebody asked for stand beside the configured ones, also of one step", () => {
  const picture = (step: number, prompt: number, text: string): UnstampedTrainingEvent => ({
    event: "validation-picture",
    step,
    epoch: 1,
    prompt,
    image: 0,
    text,
    path: `validation/${step}/${text}.jpg`,
    width: 64,
    height: 64,
  });
  const { prompts, validations } = folded([
    picture(5, 0, "a hill"),
    picture(5, 1, "a beach"),
    picture(10, 0, "the moon"),
    picture(10, 0, "a hill"),
    picture(10, 1, "a beach"),
    picture(15, 0, "the moon"),
  ]);
  assert.deepEqual(prompts, ["a hill", "a beach", "the moon"]);
  const shown = (step: number) =>
    Object.fromEntries(
      Object.entries(validations[step].pictures).map(([key, { text }]) => [key, text]),
    );
  assert.deepEqual(shown(5), { "0-0": "a hill", "1-0": "a beach" });
  assert.deepEqual(shown(10), { "0-0": "a hill", "1-0": "a beach", "2-0": "the moon" });
  assert.deepEqual(shown(15), { "2-0": "the moon" });
});

test("an event of somebody's own stage is kept as it is, and changes nothing else", () => {
  const state = emptyRunState();
  foldEvent(state, { event: "longest-word", at: 5, word: "smiles", times: 1 } as never);
  assert.deepEqual(state.own, [{ event: "longest-word", text: 'word "smiles", times 1', at: 5 }]);
  assert.deepEqual({ ...state, own: [], updatedAt: null }, emptyRunState());
});

test("what lies between attempts is no work: paused, killed, or chosen long afterwards", () => {
  const state = emptyRunState();
  const events: readonly (readonly [number, UnstampedTrainingEvent])[] = [
    [0, started(1, 0)],
    [10_000, step(1, 1)],
    [12_000, { event: "run-paused", step: 1 }],
    // An hour later, killed after its step.
    [3_600_000, started(2, 1)],
    [3_605_000, step(2, 1)],
    [7_200_000, started(3, 2)],
    [7_201_000, step(3, 1)],
    [7_203_000, { event: "run-stopped", step: 3, reason: "asked" }],
    [9_000_000, { event: "chosen", step: 3, path: "x" } as UnstampedTrainingEvent],
  ];
  for (const [at, event] of events) foldEvent(state, { at, ...event } as RunEvent);
  assert.equal(workedSeconds(state.spans), 12 + 5 + 3);
  assert.equal(totalSeconds(state.spans), 7203);
  assert.equal(workedSeconds(state.spans, 12_000), 12);
  assert.equal(workedSeconds(state.spans, 1_000_000), 12);
  assert.equal(workedSeconds(state.spans, 3_602_000), 14);
  assert.equal(workedSeconds([]), 0);
});

test("what a run that ended shows: its stages, the last step, its files, and what was said", () => {
  const stage = (name: string) => ({ stage: name, cached: false, why: "new" });
  const state = folded([
    started(1, 0),
    { event: "plan", stages: [stage("ingest"), stage("train"), stage("late")] },
    { event: "note", text: "a note" },
    { event: "stage-started", stage: "ingest" },
    { event: "stage-progress", stage: "ingest", done: 1, total: 3, unit: "pictures" },
    { event: "stage-finished", stage: "ingest", cached: true, seconds: 2 },
    { event: "stage-started", stage: "train" },
    stepEvent(1, { epoch: 1, loss: 5, lr: 0.1, rssBytes: 1 }),
    stepEvent(2, { epoch: 2, loss: 3, lr: 0.2, rssBytes: 7 }),
    { event: "warning", text: "a warning" },
    { event: "stage-failed", stage: "train", error: "no room" },
    { event: "run-finished", step: 2, files: ["t.safetensors"], seconds: 9 },
    { event: "chosen", step: 1, path: "one" },
  ] as UnstampedTrainingEvent[]);
  assert.deepEqual(
    state.stages.map(({ stage, state, cached, seconds, error }) =>
      [stage, state, cached, seconds, error] as const
    ),
    [
      ["ingest", "done", true, 2, null],
      ["train", "failed", false, null, "no room"],
      ["late", "waiting", false, null, null],
    ],
  );
  assert.deepEqual(state.stages[0].progress, { done: 1, total: 3, unit: "pictures" });
  assert.equal(state.totalSteps, 10, "pictures are no steps");
  const { step, epoch, loss, rate, memory } = state;
  assert.deepEqual({ step, epoch, loss, rate, memory }, {
    step: 2,
    epoch: 2,
    loss: 3,
    rate: 0.2,
    memory: 7,
  });
  assert.deepEqual(state.messages, [
    { kind: "note", text: "a note", at: 2 },
    { kind: "warning", text: "a warning", at: 9 },
  ]);
  assert.deepEqual(state.files, ["t.safetensors"]);
  assert.deepEqual(state.outcome, { kind: "finished", text: "", at: 11 });
  assert.deepEqual(state.chosen, { step: 1, path: "one" });
  assert.equal(state.updatedAt, 12);
  assert.deepEqual(state.own, [], "what the program knows itself is not told as a stage's own");
});

test("of what is said and of a stage's own events the last hundred are kept", () => {
  const many = (event: (i: number) => object) =>
    folded(Array.from({ length: 130 }, (_, i) => event(i) as UnstampedTrainingEvent));
  const { messages } = many((i) => ({ event: "note", text: `${i}` }));
  const { own } = many((i) => ({ event: "counted", at: i, n: i }));
  for (const { length, 0: first, 99: last } of [messages, own]) {
    assert.deepEqual([length, first.at, last.at], [100, 30, 129]);
  }
});
