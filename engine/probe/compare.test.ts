import assert from "node:assert/strict";
import { test } from "node:test";
import type { Tensor } from "../device/messages.ts";
import { agrees, compareOutputs, defaultTolerance, relativeError } from "./compare.ts";

const ours = (...values: number[]): Tensor => ({
  type: "float32",
  dims: [values.length],
  data: Float32Array.from(values),
});
const theirs = (...values: number[]) => ({
  dtype: "F64" as const,
  shape: [values.length],
  data: Float64Array.from(values),
});

test("the norm of the difference over the norm of the reference", () => {
  assert.equal(relativeError([3, 4.5], [3, 4]), 0.1);
  assert.equal(relativeError([0, 0], [0, 0]), 0);
  assert.equal(relativeError([1], [0]), Infinity);
  assert.ok(Number.isNaN(relativeError([NaN, 1], [1, 1])));
});

test("what disagrees, is NaN or has another shape fails; what has no counterpart is told", () => {
  const verdicts = (outputs: Record<string, Tensor>, reference: Record<string, object>) => {
    const lines = compareOutputs(
      new Map(Object.entries(outputs)),
      new Map(Object.entries(reference)) as never,
      () => 0.01,
      "ref",
    );
    return [lines.map(({ name, outcome }) => `${name} ${outcome}`), agrees(lines)];
  };
  assert.deepEqual(verdicts({ a: ours(1), b: ours(2) }, { a: theirs(1.001), c: theirs(1) }), [
    ["a ok", "b no reference", "c not computed"],
    true,
  ]);
  assert.deepEqual(verdicts({ a: ours(1) }, { a: theirs(1.1) }), [["a above"], false]);
  assert.deepEqual(verdicts({ a: ours(NaN) }, { a: theirs(1) }), [["a above"], false]);
  assert.deepEqual(verdicts({ a: ours(1) }, { a: theirs(NaN) }), [["a above"], false]);
  assert.deepEqual(verdicts({ a: ours(1, 1) }, { a: theirs(1) }), [["a other shape"], false]);
  assert.throws(() => verdicts({ a: ours(1) }, { b: theirs(1) }), {
    _tag: "ReferenceFault",
    file: "ref",
  });
});

test("the CPU is held to what the golden cases hold, gradients to twice that, a card to 1e-3", () => {
  const tolerances = (provider: string) =>
    ["pred", "grad1_plain"].map((name) => defaultTolerance(provider)(name));
  assert.deepEqual(tolerances("cpu"), [1e-5, 2e-5]);
  assert.deepEqual(tolerances("webgpu"), [1e-3, 1e-3]);
});
