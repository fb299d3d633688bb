import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { cos, ExactMathFault, exp, log, pow, sin } from "./exact-math.ts";
// Correctly rounded values, computed with mpmath at 300 bits: [arguments..., value].
import vectors from "./exact-math.vectors.json" with { type: "json" };

const bits = new DataView(new ArrayBuffer(8));

/** Doubles in order as integers, so that neighbours differ by one. */
function rank(x: number): bigint {
  bits.setFloat64(0, x);
  const word = bits.getBigInt64(0);
  return word < 0n ? -(word & 0x7fffffffffffffffn) : word;
}

const functions = { exp, log, sin, cos, pow: (x: number, y?: number) => pow(x, y ?? NaN) };

for (const [name, f] of Object.entries(functions)) {
  test(`${name} is within one unit in the last place of the true value`, () => {
    for (const row of vectors[name as keyof typeof vectors]) {
      const wanted = row[row.length - 1];
      const distance = rank(f(row[0], row[1])) - rank(wanted);
      assert.ok(
        distance >= -1n && distance <= 1n,
        `${name}(${row.slice(0, -1)}) is off ${distance}`,
      );
    }
  });
}

const near = (a: number, b: number) => Math.abs(a - b) <= 1e-15 * Math.abs(b) || Object.is(a, b);
const within = (min: number, max: number) => fc.double({ min, max, noNaN: true });

test("all agree with Math to 1e-15 wherever they are used", () => {
  fc.assert(
    fc.property(within(-700, 700), within(1e-300, 1e300), within(-50, 50), (x, positive, y) => {
      assert.ok(near(exp(x), Math.exp(x)), `exp ${x}`);
      assert.ok(near(log(positive), Math.log(positive)), `log ${positive}`);
      assert.ok(near(sin(x), Math.sin(x)), `sin ${x}`);
      assert.ok(near(cos(x), Math.cos(x)), `cos ${x}`);
      const base = exp(x / 70);
      assert.ok(near(pow(base, y), Math.pow(base, y)), `pow ${base} ${y}`);
    }),
    { numRuns: 3000 },
  );
});

test("the edges are those of Math", () => {
  const edges = [0, -0, 1, Infinity, -Infinity, NaN, 800, -800];
  for (const x of edges) {
    assert.equal(exp(x), Math.exp(x), `exp ${x}`);
    if (x === 0 || !Number.isFinite(x)) {
      assert.equal(sin(x), Math.sin(x), `sin ${x}`);
      assert.equal(cos(x), Math.cos(x), `cos ${x}`);
    }
    assert.equal(log(x === 800 ? 1 : x), Math.log(x === 800 ? 1 : x), `log ${x}`);
    for (const base of [0, 0.5, 1.5, 2, Infinity, NaN]) {
      assert.equal(pow(base, x), Math.pow(base, x), `pow ${base} ${x}`);
    }
  }
  for (const y of [0.5, -0.5]) {
    for (const base of [0, Infinity]) assert.equal(pow(base, y), Math.pow(base, y), `${base} ${y}`);
  }
  assert.ok(Number.isNaN(pow(-2, 2)), "a negative base is refused");
});

test("an angle too large for exact reduction is a fault", () => {
  assert.throws(() => cos(2e6), ExactMathFault);
  assert.throws(() => sin(-2e6), ExactMathFault);
});

test("every runtime computes the same bits", () => {
  const values = new Float64Array(60_000);
  for (let i = 0; i < 10_000; i++) {
    const x = (i + 1) / 10_000;
    values.set(
      [exp(40 * x - 20), log(x), sin(90 * x), cos(90 * x), pow(x, 0.1), pow(0.999, i)],
      6 * i,
    );
  }
  assert.equal(
    createHash("sha256").update(new Uint8Array(values.buffer)).digest("hex"),
    "b22b18460781e2d56cfe9bfb7638c1a7eba0248dbfd541c97c1425d00466b495",
  );
});
