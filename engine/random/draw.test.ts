import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { type Address, DrawFault, normals, randomInt, shuffled, uniforms } from "./draw.ts";
// Computed by a second implementation, in Python with big integers; normals with mpmath.
import vectors from "./draw.vectors.json" with { type: "json" };

const word = fc.integer({ min: 0, max: 0xffffffff });
const addresses: fc.Arbitrary<Address> = fc.record({
  seed: fc.maxSafeNat(),
  purpose: fc.string(),
  step: word,
  item: word,
});

test("draws equal those of another implementation", () => {
  for (const { address, ...wanted } of vectors) {
    assert.deepEqual([...uniforms(address, 6)], wanted.uniforms);
    assert.deepEqual(shuffled(address, 9), wanted.shuffled);
    for (const [below, value] of Object.entries(wanted.randomInts)) {
      assert.equal(randomInt(address, Number(below)), value);
    }
    // The angle 2 pi u is rounded once, which the reference does not do.
    normals(address, 6).forEach((value, i) => {
      assert.ok(Math.abs(value - wanted.normals[i]) < 4e-15, `${value} ${wanted.normals[i]}`);
    });
  }
});

test("every runtime draws the same bits", () => {
  const values = normals({ seed: 1, purpose: "noise", step: 7, item: 2 }, 50_000);
  assert.equal(
    createHash("sha256").update(new Uint8Array(values.buffer)).digest("hex"),
    "81417109e83679b46eea92eea395dc087bbf5decfd304520e415c3ecc376626b",
  );
});

test("normals have the moments and tails of a normal distribution", () => {
  const values = normals({ seed: 5, purpose: "noise", step: 0, item: 0 }, 200_000);
  const mean = (power: number) => values.reduce((sum, x) => sum + Math.pow(x, power), 0) / 200_000;
  assert.ok(Math.abs(mean(1)) < 0.01);
  assert.ok(Math.abs(mean(2) - 1) < 0.015);
  assert.ok(Math.abs(mean(3)) < 0.04);
  assert.ok(Math.abs(mean(4) - 3) < 0.1);
  const beyond2 = values.filter((x) => Math.abs(x) > 2).length / 200_000;
  assert.ok(Math.abs(beyond2 - 0.0455) < 0.002);
});

test("neighbouring addresses are unrelated", () => {
  const at = (part: Partial<Address>) =>
    normals({ seed: 1, purpose: "noise", step: 1, item: 1, ...part }, 20_000);
  const others = [{ seed: 2 }, { purpose: "posterior" }, { step: 2 }, { item: 2 }, {
    seed: 1 + 0x100000000,
  }];
  for (const other of others) {
    const values = at(other);
    const correlation = at({}).reduce((sum, x, i) => sum + x * values[i], 0) / 20_000;
    assert.ok(Math.abs(correlation) < 0.03, JSON.stringify(other));
  }
});

test("a shorter draw is a prefix of a longer one", () => {
  fc.assert(fc.property(addresses, fc.nat(30), fc.nat(30), (address, n, more) => {
    assert.deepEqual(normals(address, n), normals(address, n + more).slice(0, n));
    assert.deepEqual(uniforms(address, n), uniforms(address, n + more).slice(0, n));
  }));
});

test("integers stay below their bound and are even; orders are permutations", () => {
  fc.assert(
    fc.property(addresses, fc.integer({ min: 1, max: 0x100000000 }), (address, below) => {
      const value = randomInt(address, below);
      assert.ok(Number.isInteger(value) && value >= 0 && value < below);
    }),
  );
  const counts = new Array(3).fill(0);
  const orders = new Map<string, number>();
  for (let step = 0; step < 6000; step++) {
    const address = { seed: 3, purpose: "even", step, item: 0 };
    // Three quarters of the words: taking the remainder alone would double the first third.
    counts[Math.floor(randomInt(address, 0xc0000000) / 0x40000000)]++;
    const order = shuffled(address, 3).join();
    orders.set(order, (orders.get(order) ?? 0) + 1);
  }
  for (const count of counts) assert.ok(Math.abs(count - 2000) < 200, counts.join());
  assert.equal(orders.size, 6);
  for (const count of orders.values()) assert.ok(Math.abs(count - 1000) < 150);
});

test("an address out of range is a fault that names the part", () => {
  const good = { seed: 1, purpose: "noise", step: 1, item: 1 };
  for (const [key, value] of [["seed", Number.MAX_SAFE_INTEGER + 1], ["step", -1], ["item", 0.5]]) {
    assert.throws(
      () => uniforms({ ...good, [key]: value }, 1),
      (error) => error instanceof DrawFault && error.key === key,
    );
  }
  assert.throws(() => randomInt(good, 0), DrawFault);
});
