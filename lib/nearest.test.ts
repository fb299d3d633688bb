// The edit distance against its definition by recursion.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { editDistance, nearest, nearestFew } from "./nearest.ts";

function byDefinition(a: string, b: string): number {
  if (a === "" || b === "") return a.length + b.length;
  const last = a.at(-1) === b.at(-1) ? 0 : 1;
  const swapped = a.length > 1 && b.length > 1 && a.at(-1) === b.at(-2) && a.at(-2) === b.at(-1)
    ? byDefinition(a.slice(0, -2), b.slice(0, -2)) + 1
    : Infinity;
  return Math.min(
    byDefinition(a.slice(0, -1), b) + 1,
    byDefinition(a, b.slice(0, -1)) + 1,
    byDefinition(a.slice(0, -1), b.slice(0, -1)) + last,
    swapped,
  );
}

test("insertions, deletions, replacements and swaps are counted", () => {
  const word = fc.stringMatching(/^[abc]{0,5}$/);
  fc.assert(fc.property(word, word, (a, b) => {
    assert.equal(editDistance(a, b), byDefinition(a, b));
  }));
});

test("the nearest word, or none", () => {
  const words = ["learning_rate", "weight_decay", "beta1", "beta2"];
  assert.equal(nearest("learning-Rate", words), "learning_rate");
  assert.equal(nearest("lerning_rat", words), "learning_rate");
  assert.equal(nearest("beta3", words), "beta1");
  assert.equal(nearest("zzz", words), undefined);
  assert.deepEqual(nearestFew("beta2", ["beta1", "beta3", ...words, "beta4"]), [
    "beta2",
    "beta1",
    "beta3",
  ]);
});
