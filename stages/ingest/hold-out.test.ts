import assert from "node:assert/strict";
import { test } from "node:test";
import { heldOutIds, holdOutWarning } from "./hold-out.ts";

const ids = (count: number) => Array.from({ length: count }, (_, i) => `${i}.jpg`);

test("so many, chosen by the seed, the same whenever they are asked for", () => {
  const of = (seed: number) => [...heldOutIds(ids(20), { holdout: 5, seed })];
  assert.equal(new Set(of(1)).size, 5);
  assert.ok(of(1).every((id) => ids(20).includes(id)));
  assert.deepEqual(of(1), of(1));
  assert.notDeepEqual(of(1), of(2));
  assert.deepEqual([...heldOutIds(ids(20), { holdout: 0, seed: 1 })], []);
});

test("of fewer than eight none, which is said; as many as there are is a fault", () => {
  assert.equal(heldOutIds(ids(7), { holdout: 2, seed: 1 }).size, 0);
  assert.match(holdOutWarning(2, 7)!, /fixed_loss_holdout 2: no effect; there are 7 pictures/);
  assert.equal(heldOutIds(ids(8), { holdout: 2, seed: 1 }).size, 2);
  assert.deepEqual([holdOutWarning(2, 8), holdOutWarning(0, 3)], [null, null]);
  for (const [holdout, count] of [[8, 8], [9, 8], [4, 4]]) {
    const taken = () => heldOutIds(ids(count), { holdout, seed: 1 });
    assert.throws(taken, new RegExp(`fixed_loss_holdout: .*${holdout} of ${count}.*Lower it`, "s"));
  }
});
