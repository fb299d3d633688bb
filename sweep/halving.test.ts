// Halving against a plain loop that sorts and cuts, and what the order of results must not change.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { calledBack, goingOn, rungsOf } from "./halving.ts";
import { groups, ranked, type Scored } from "./ranking.ts";

const loss = fc.oneof(
  fc.double({ min: 0, max: 2, noNaN: true }),
  fc.constantFrom(0.5, 0.5, NaN, Infinity, null),
);
const scored = fc.array(fc.record({ group: fc.constantFrom("", "hat"), loss }), {
  minLength: 1,
  maxLength: 40,
}).map((all) => all.map((each, i): Scored => ({ trial: i + 1, ...each })));

/** The best of one group by repeated search of the smallest. */
function bestByHand(group: readonly Scored[], keep: number): number[] {
  const left = [...group];
  const out: number[] = [];
  const value = ({ loss }: Scored) => loss === null || !Number.isFinite(loss) ? Infinity : loss;
  while (out.length < keep && left.length > 0) {
    let best = 0;
    for (let i = 1; i < left.length; i++) {
      const [a, b] = [value(left[i]), value(left[best])];
      if (a < b || (a === b && left[i].trial < left[best].trial)) best = i;
    }
    out.push(left.splice(best, 1)[0].trial);
  }
  return out;
}

test("the best third of each group goes on, ties by number, what is not finite last", () =>
  fc.assert(fc.property(scored, fc.integer({ min: 2, max: 5 }), (all, factor) => {
    const expected = ["", "hat"].flatMap((name) => {
      const group = all.filter(({ group }) => group === name);
      if (group.length === 0) return [];
      return bestByHand(group, Math.max(1, Math.floor(group.length / factor)));
    }).sort((a, b) => a - b);
    assert.deepEqual(goingOn(all, factor), expected);
  })));

test("the order in which results came changes nothing", () =>
  fc.assert(fc.property(
    scored.chain((all) =>
      fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length }))
    ),
    ([all, shuffled]) => {
      assert.deepEqual(goingOn(shuffled, 3), goingOn(all, 3));
      assert.deepEqual(ranked(shuffled), ranked(all));
      assert.deepEqual(calledBack([shuffled], [1], 4), calledBack([all], [1], 4));
    },
  )));

test("groups stand in the order of their first trial, whichever came first", () => {
  const at = (trial: number, group: string): Scored => ({ trial, group, loss: -trial });
  const made = groups([at(3, "hat"), at(4, ""), at(2, "coat"), at(1, "hat")]);
  assert.deepEqual([...made.keys()], ["hat", "coat", ""]);
  assert.deepEqual(made.get("hat")!.map(({ trial }) => trial), [3, 1]);
});

test("27 trials by 3 are 27 + 9 + 3 trainings", () => {
  assert.deepEqual(rungsOf({ first: 100, factor: 3 }, 900), [100, 300]);
  const rung = (trials: readonly number[]) =>
    goingOn(trials.map((trial) => ({ trial, group: "", loss: (trial * 7) % 27 })), 3);
  const first = rung(Array.from({ length: 27 }, (_, i) => i + 1));
  assert.deepEqual([first.length, rung(first).length], [9, 3]);
  assert.deepEqual(rung(first), [4, 8, 27]); // losses 1, 2, 0
});

test("called back are the best of those that came furthest, then of those before", () => {
  const at = (losses: readonly number[]) =>
    losses.map((loss, i): Scored => ({ trial: i + 1, group: "", loss }));
  const [first, second] = [at([1, 2, 3, 4, 5, 6]), at([3, 1, 2])];
  assert.deepEqual(calledBack([first, second], [2], 1), [3]);
  assert.deepEqual(calledBack([first, second], [2], 2), [1, 3]);
  assert.deepEqual(calledBack([first, second], [2], 3), [1, 3, 4]);
  assert.deepEqual(calledBack([first, second], [2], 99), [1, 3, 4, 5, 6]);
});
