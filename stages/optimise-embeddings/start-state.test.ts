import assert from "node:assert/strict";
import { test } from "node:test";
import { checkRows } from "./start-state.ts";
import type { TrainingState } from "./training-state.ts";

test("a run goes on only with as many vectors as it has, and with a model of its widths", () => {
  const rows = [new Float64Array(4 * 3), new Float64Array(4 * 5)];
  const state = { optimizer: { rows } } as unknown as TrainingState;
  const check = (vectors: number, widths: readonly [number, number]) =>
    checkRows(state, { placeholderTokens: Array(vectors).fill("x") }, widths);
  check(4, [3, 5]);
  assert.throws(() => check(2, [3, 5]), /num_vectors: wanted a run with 2 .* found one with 4\./);
  assert.throws(() => check(6, [2, 5]), /found one of another model/);
});
