// Which runs' fixed losses compare, in letters and in words.
import assert from "node:assert/strict";
import { test } from "node:test";
import { measuredOn } from "../../inversion/measured-on.ts";
import { measuredManifest } from "../../inversion/testing/measured-manifest.ts";
import { incomparable, measuredGroups } from "./measured-alike.js";

const one = measuredOn(measuredManifest)!;
const other = { ...one, seed: "2", timesteps: "1, 2 in turn" };
const group = (...on: readonly (typeof one | null)[]) =>
  measuredGroups(on.map((on) => ({ on, measured: true })));

test("two compare that were measured alike; of others each difference is named", () => {
  assert.deepEqual(incomparable(one, { ...one }), []);
  assert.deepEqual(incomparable(one, other), [
    "timesteps 125, 375, 625, 875 in turn against 1, 2 in turn",
    "seed 1 against 2",
  ]);
  assert.deepEqual(incomparable(one, null), ["what was measured is not known of both"]);
});

test("runs are lettered as they come, and only where there is something to tell apart", () => {
  assert.deepEqual(group(one, one), { groups: [null, null], notes: [] });
  assert.deepEqual(group(null, null), { groups: [null, null], notes: [] });
  assert.deepEqual(group(), { groups: [], notes: [] });
  assert.deepEqual(group(one, other, null, one), {
    groups: ["A", "B", "?", "A"],
    notes: [
      "B does not compare with A: timesteps 1, 2 in turn against 125, 375, 625, 875 in turn; " +
      "seed 2 against 1",
      "?: the run's manifest does not say what was measured",
    ],
  });
  const { groups, notes } = group(
    ...Array.from({ length: 60 }, (_, seed) => ({ ...one, seed: `${seed}` })),
  );
  assert.equal(new Set(groups).size, 60);
  assert.deepEqual(notes, [
    "B, C, D, E, F and 54 more do not compare with A: seed 1, 2, 3, 4, 5 and 54 more against 0",
  ]);
});

test("a run without a fixed loss is in no group", () => {
  const runs = [{ on: one, measured: true }, { on: other, measured: false }];
  assert.deepEqual(measuredGroups(runs), { groups: [null, null], notes: [] });
});
