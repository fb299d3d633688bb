import assert from "node:assert/strict";
import { test } from "node:test";
import { guided } from "./guidance.ts";

test("guidance 1 is the conditional answer, 0 the other, 5 beyond", () => {
  const [uncond, cond] = [Float32Array.of(1, -2), Float32Array.of(3, -1)];
  assert.deepEqual([...guided(uncond, cond, 1)], [3, -1]);
  assert.deepEqual([...guided(uncond, cond, 0)], [1, -2]);
  assert.deepEqual([...guided(uncond, cond, 5)], [11, 3]);
});
