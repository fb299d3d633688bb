// The trials of a definition, against loops that make them by hand, and what no draw may depend on.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Effect } from "effect";
import fc from "fast-check";
import { type Definition, readDefinition } from "./definition.ts";
import { type Overrides, splitOverrides, trialCount, trialsOf } from "./trials.ts";

const define = (more: object): Definition =>
  Effect.runSync(
    readDefinition(JSON.stringify({ sweep: "s", pipeline: "p", ...more }), "s.yaml", null),
  );

test("list times matrix times random, in that order", () => {
  const trials = trialsOf(define({
    list: [{ name: "hat", a: 1 }, { a: 2 }],
    matrix: { b: [1, 2], c: ["x"] },
    random: { trials: 2, d: [7] },
  }));
  const expected: unknown[] = [];
  for (const a of [1, 2]) {
    for (const b of [1, 2]) for (const _ of [1, 2]) expected.push({ a, b, c: "x", d: 7 });
  }
  assert.deepEqual(trials.map(({ overrides }) => overrides), expected);
  assert.deepEqual(trials.map(({ number }) => number), [1, 2, 3, 4, 5, 6, 7, 8]);
  assert.equal(new Set(trials.map(({ name }) => name)).size, 8);
});

test("a sweep that varies nothing is one trial", () => {
  assert.deepEqual(trialsOf(define({})), [{ number: 1, name: "1", overrides: {} }]);
});

test("a name that is one trial's alone stays as it is", () => {
  const trials = trialsOf(define({ list: [{ name: "slow", a: 1 }, { name: "fast", a: 2 }] }));
  assert.deepEqual(trials.map(({ name }) => name), ["slow", "fast"]);
});

const bounds = fc.tuple(
  fc.double({ min: 1e-6, max: 1, noNaN: true }),
  fc.double({
    min: 1,
    max: 1e4,
    noNaN: true,
  }),
);

test("draws lie in their range, and hang on nothing but seed, trial and key", () =>
  fc.assert(
    fc.property(fc.nat(2 ** 31), bounds, fc.integer({ min: 1, max: 20 }), (seed, range, n) => {
      const draws = {
        a: { log: range },
        b: { uniform: range },
        c: { int: [-3, 4] },
        d: ["x", "y"],
      };
      const all = trialsOf(define({ seed, random: { trials: n, ...draws } }));
      const few = trialsOf(define({ seed, random: { trials: n + 5, b: draws.b, a: draws.a } }));
      for (const [i, { overrides }] of all.entries()) {
        const [low, high] = range.map((bound) => Number(bound.toPrecision(6)));
        for (const key of ["a", "b"]) {
          assert.ok(Number(overrides[key]) >= low && Number(overrides[key]) <= high);
          assert.equal(overrides[key], few[i].overrides[key]);
        }
        assert.ok([-3, -2, -1, 0, 1, 2, 3, 4].includes(Number(overrides.c)));
        assert.ok(["x", "y"].includes(String(overrides.d)));
      }
    }),
  ));

test("each whole number of a range and each value comes up, about as often", () => {
  const trials = trialsOf(define({ random: { trials: 4000, a: { int: [1, 4] }, b: ["x", "y"] } }));
  for (const a of [1, 2, 3, 4]) {
    for (const b of ["x", "y"]) {
      const count = trials.filter(({ overrides: o }) => o.a === a && o.b === b).length;
      assert.ok(count > 400 && count < 600, `${a} ${b}: ${count}`);
    }
  }
});

// Another implementation's, in Python with big integers: Philox at a seed of one word and of two.
test("a draw is the same today and everywhere", () => {
  const draws = {
    rate: { log: [1e-4, 1] },
    u: { uniform: [0, 1] },
    n: { int: [0, 2 ** 53 - 2] },
  };
  const of = (seed: number) =>
    trialsOf(define({ seed, random: { trials: 2, ...draws } })).map(({ overrides }) => overrides);
  assert.equal(of(5)[0].rate, 0.000458744);
  assert.deepEqual(of(5).map(({ u, n }) => [u, n]), [
    [0.511015, 8477355598171831],
    [0.793402, 6148267253068668],
  ]);
  assert.deepEqual(of(2 ** 40 + 3).map(({ u, n }) => [u, n]), [
    [0.151563, 3465930556614836],
    [0.0614151, 1504773945378691],
  ]);
});

test("how many there are is known without making them", () => {
  const definition = define({ matrix: { a: [1, 2, 3] }, random: { trials: 100_000, b: [1] } });
  assert.equal(trialCount(definition), 300_000);
  const budget = { ...definition.budget, trials: 7 };
  assert.equal(trialCount({ ...definition, budget }), 7);
  const nine = define({ matrix: { a: [1, 2, 3], b: [1, 2, 3] } });
  assert.deepEqual(trialsOf({ ...nine, budget }).map(({ number }) => number), [
    1,
    2,
    3,
    4,
    5,
    6,
    7,
  ]);
});

test("what all trials set alike is told apart from what one of them sets otherwise or not at all", () => {
  const all: readonly Overrides[] = [{ a: [1], b: 1, c: 0 }, { a: [1], b: 2 }, {
    b: 2,
    a: [1],
    d: null,
  }];
  assert.deepEqual(splitOverrides(all), {
    shared: { a: [1] },
    varied: [{ b: 1, c: 0 }, { b: 2 }, { b: 2, d: null }],
  });
  assert.deepEqual(splitOverrides([{ a: 1 }]), { shared: { a: 1 }, varied: [{}] });
});
