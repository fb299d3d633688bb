import assert from "node:assert/strict";
import { test } from "node:test";
import { jsonDifference } from "./json-difference.ts";

test("names the nested keys that differ, with both values", () => {
  const before = { a: { b: 1, c: [1, 2] }, d: "x", gone: true };
  const after = { a: { b: 2, c: [1, 2] }, d: "x", new: null };
  assert.deepEqual(jsonDifference(before, after), [
    { key: "a.b", from: 1, to: 2 },
    { key: "gone", from: true },
    { key: "new", to: null },
  ]);
});

test("lists of one length differ by item; of others, what came and went is named", () => {
  assert.deepEqual(jsonDifference({ l: [1, { a: 2 }] }, { l: [1, { a: 3 }] }), [
    { key: "l[1].a", from: 2, to: 3 },
  ]);
  assert.deepEqual(jsonDifference({ l: ["a.jpg", "b.jpg"] }, { l: ["b.jpg"] }), [
    { key: "l", from: "a.jpg" },
  ]);
  assert.deepEqual(jsonDifference([["a", 1]], [["a", 1], ["b", 2]]), [{ key: "", to: ["b", 2] }]);
});

test("equal values give nothing, whatever the order of keys", () => {
  assert.deepEqual(jsonDifference({ a: 1, b: { c: 2, d: 3 } }, { b: { d: 3, c: 2 }, a: 1 }), []);
});

test("a value that becomes an object is one change", () => {
  assert.deepEqual(jsonDifference({ a: 1 }, { a: { b: 1 } }), [{
    key: "a",
    from: 1,
    to: { b: 1 },
  }]);
});
