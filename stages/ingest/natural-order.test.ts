import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { byName } from "./natural-order.ts";

test("numbers inside names count as numbers", () => {
  const names = ["b.jpg", "10.jpg", "2.jpg", "a10b2.jpg", "a10b10.jpg", "a2.jpg", "002.jpg"];
  assert.deepEqual([...names].sort(byName), [
    "002.jpg",
    "2.jpg",
    "10.jpg",
    "a2.jpg",
    "a10b2.jpg",
    "a10b10.jpg",
    "b.jpg",
  ]);
});

test("a total order: any arrangement of the same names sorts to the same list", () => {
  const name = fc.string({ unit: fc.constantFrom(..."019aB._- é"), minLength: 1, maxLength: 6 });
  fc.assert(fc.property(fc.uniqueArray(name, { maxLength: 12 }), (names) => {
    const sorted = [...names].sort(byName);
    assert.deepEqual([...names].reverse().sort(byName), sorted);
    for (let i = 1; i < sorted.length; i++) assert.ok(byName(sorted[i - 1], sorted[i]) < 0);
  }));
});
