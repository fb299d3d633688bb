// Both rules against what transformers 5 does: the first position of the largest id where the config says
// `eos_token_id: 2`, otherwise the first position of that id, and 0 where there is none.
import assert from "node:assert/strict";
import { test } from "node:test";
import { poolingMatrix, poolingOf, poolingPosition } from "./pooling.ts";

const [begin, end, placeholder] = [977, 978, 979];

test("the largest id is the end token, unless a placeholder stands before it", () => {
  const rule = poolingOf({ eos_token_id: 2 });
  assert.equal(poolingPosition([begin, 5, 6, end, end, end], rule), 3);
  assert.equal(poolingPosition([begin, 5, 6, end, 0, 0], rule), 3);
  assert.equal(poolingPosition([begin, placeholder, 6, end, end], rule), 1);
  assert.equal(poolingPosition([begin, placeholder, placeholder + 1, end], rule), 2);
  assert.equal(poolingPosition([begin, placeholder, 7, placeholder, end], rule), 1);
});

test("the first end token, whatever stands before it", () => {
  const rule = poolingOf({ eos_token_id: end });
  assert.equal(poolingPosition([begin, placeholder, 6, end, end], rule), 3);
  assert.equal(poolingPosition([begin, 5, 6, 7], rule), 0);
});

test("a product with the matrix picks each caption's position, by each caption's rule", () => {
  const captions = [[begin, placeholder, end], [begin, placeholder, end]];
  const { dims, data } = poolingMatrix(captions, [{ kind: "argmax" }, { kind: "first", id: end }]);
  assert.deepEqual(dims, [2, 1, 3]);
  assert.deepEqual([...data], [0, 1, 0, 0, 0, 1]);
});
