// How long a training takes, by hand on rates that are round.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Schema } from "effect";
import type { MemoryRow } from "../../engine/memory/memory-rows.ts";
import {
  aboutText,
  isLong,
  timeFields,
  timeNotes,
  type TimeOptions,
  timeTable,
  type TimeWish,
} from "./find-time.ts";

const decode = Schema.decodeUnknownSync(Schema.Struct(timeFields));
const options = decode({
  max_train_steps: 2000,
  gradient_accumulation_steps: 2,
  fixed_loss_every: null,
  validate_every_n_steps: 500,
  validation_prompts: ["a", "b"],
  num_validation_images_per_prompt: 3,
  validation_steps: 20,
});

const row = (work: MemoryRow["work"], flops: number, more: Partial<MemoryRow> = {}): MemoryRow => ({
  ...{ work, height: 64, width: 64, batch: 1, tiled: false, fits: true, peak: 0 },
  ...{ weights: 0, activations: 0, overhead: 0, largest: 0 },
  cost: { flops, moved: 0, nodes: 0 },
  ...more,
});
const rows = [
  row("training", 4e12, { plan: "A", peak: 100 }),
  row("training", 5e12, { plan: "B", peak: 50 }),
  row("prediction", 1e12),
  row("decode", 2e12),
];
const wish: TimeWish = { options, steps: null, rows, plans: ["A", "B"], plan: "A" };
const rate = { flops: 1e12, perByte: 1, launch: 1 };
const device = { name: "a card", rate, memory: undefined };

test("steps, their batches, and the pictures of five validations", () => {
  const { rows: [found], pictures } = timeTable(wish, [device], true);
  assert.equal(pictures, 5 * 2 * 3);
  assert.deepEqual(found, {
    ...{ device: "a card", plan: "A", step: 8 },
    training: 2000 * 8 + 30 * (20 + 2),
  });
  const measured = timeTable(
    { ...wish, options: { ...options, fixed_loss_every: 25 } },
    [device],
    true,
  );
  assert.ok(Math.abs(measured.rows[0].training! - (2000 * 8.8 + 660)) < 1e-6);
});

test("how well prompts are followed takes pictures that are not decoded", () => {
  const following = { ...options, prompt_following: true };
  const of = (options: TimeOptions) => timeTable({ ...wish, options }, [device], true);
  const more = of(following).rows[0].training! - of(options).rows[0].training!;
  assert.ok(Math.abs(more - 6 * 4 * 3 * 20) < 1e-6);
  assert.equal(of(following).pictures, 30 + 72);
  const unseen = { ...following, validation_prompts: [] };
  assert.equal(of(unseen).pictures, 0);
});

test("each card takes the fastest plan that it holds, or none", () => {
  const cards = [100, 99, 49].map((memory) => ({ ...device, memory }));
  const found = timeTable(wish, cards, false).rows;
  assert.deepEqual(found.map(({ plan, step }) => [plan, step]), [["A", 8], ["B", 10], [
    null,
    null,
  ]]);
});

test("a training in epochs has as many steps as somebody counted", () => {
  const inEpochs = {
    ...options,
    max_train_steps: null,
    max_train_epochs: 10,
    validation_prompts: [],
  };
  const at = (steps: number | null) =>
    timeTable({ ...wish, options: inEpochs, steps }, [device], true).rows[0].training;
  assert.deepEqual([at(null), at(70)], [null, 70 * 8]);
});

test("what takes a processor minutes at most is not worth measuring", () => {
  assert.equal(isLong(wish), true);
  assert.equal(isLong({ ...wish, options: { ...options, max_train_steps: 10 } }), false);
});

test("said with as many digits as an estimate has", () => {
  const texts = [0.4449, 8, 119, 120, 5000, 7200, 252_000].map(aboutText);
  assert.deepEqual(texts, ["0.44 s", "8 s", "120 s", "2 min", "83 min", "2 h", "70 h"]);
  const [note] = timeNotes(timeTable(wish, [{ ...device, name: "this processor" }], true));
  assert.match(note, /^About 4\.6 h on this processor: 2000 steps and 30 pictures, 8 s a step/);
});
