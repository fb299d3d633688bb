import assert from "node:assert/strict";
import { test } from "node:test";
import { fixedEvery } from "./fixed-every.ts";

const auto = { fixed_loss_every: "auto" } as const;

test("what is set stays, also that nothing is measured", () => {
  assert.equal(fixedEvery({ fixed_loss_every: 7 }, { batch: 1, batches: 1 }, 1000), 7);
  assert.equal(fixedEvery({ fixed_loss_every: null }, { batch: 1, batches: 1 }, 1000), null);
});

test("auto: the smallest multiple of 25 at which a measure costs a tenth of the steps between", () => {
  const every = (batch: number, batches: number, items: number) =>
    fixedEvery(auto, { batch, batches }, items);
  // 18 items are five batches of four, 20 halves of an item's step: 10 of 25 steps of 4.
  assert.equal(every(4, 1, 18), 25);
  assert.equal(every(4, 1, 21), 50, "24 halves are 12 of 25 steps of 4");
  assert.equal(every(1, 1, 18), 100, "9 items in 90 steps at least");
  assert.equal(every(1, 4, 18), 25, "accumulated");
  assert.equal(every(1, 1, 4), 25);
  for (let items = 1; items < 200; items++) {
    const found = every(4, 1, items)!;
    const cost = (steps: number) => 0.5 * Math.ceil(items / 4) / steps;
    assert.ok(found % 25 === 0 && cost(found) <= 0.1 + 1e-12, `${items} items`);
    assert.ok(found === 25 || cost(found - 25) > 0.1, `${items} items, seldomer than need be`);
  }
});
