import assert from "node:assert/strict";
import { test } from "node:test";
import { fixedLossEvery, settleFixedLossEvery } from "./fixed-loss-every.ts";

test("what is set stays, also that nothing is measured", () => {
  assert.equal(fixedLossEvery(7, { batch: 1, batches: 1 }, 1000), 7);
  assert.equal(fixedLossEvery(null, { batch: 1, batches: 1 }, 1000), null);
});

test("auto: the smallest multiple of 25 at which a measure costs a tenth of the steps between", () => {
  const every = (batch: number, batches: number, items: number) =>
    fixedLossEvery("auto", { batch, batches }, items);
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

test("settled by the pictures that there are, and kept as the run has it", () => {
  const dataset = (pictures: number) => ({ sources: Array(pictures).fill(["name", null]) });
  const every = (values: object, pictures: number[], kept?: unknown) =>
    settleFixedLossEvery(values as Record<string, unknown>, pictures.map(dataset), kept)?.every;
  const alone = { train_batch_size: 1 };
  assert.equal(every(alone, [4]), 25, "four training items");
  assert.equal(every(alone, [4, 6]), 100, "six held-out pictures at three timesteps");
  assert.equal(every({}, [4, 6]), 25, "the same in batches of four");
  assert.equal(every({}, [3, 6]), 50, "batches hold no more than there are pictures: 9 of 75");
  assert.equal(every({ ...alone, fixed_loss_holdout: 2 }, [9]), 50, "six items");
  assert.equal(every({ pooling: "mixed" }, [4, 6]), 50, "36 items, half under each rule");
  assert.equal(every({ ...alone, fixed_loss_holdout: 2 }, [7]), 25, "none is set aside");
  assert.equal(every(alone, [4, 6], 5), 5, "as a run of before has it");
  assert.equal(every({ fixed_loss_every: 7 }, [4, 6], 5), undefined, "nothing is open");
  assert.equal(settleFixedLossEvery(alone, null, null), null, "a stage of somebody's own");
  assert.match(
    settleFixedLossEvery({}, [dataset(4), dataset(6)], null)!.note,
    /25 steps, 18 items/,
  );
});
