import assert from "node:assert/strict";
import { test } from "node:test";
import { batchNotes, pictureCounts, picturesAtOnce } from "./trained-pictures.ts";

const dataset = (pictures: number) => ({ sources: Array(pictures).fill(["name", null]) });
const sets = (...pictures: number[]) => pictures.map(dataset);

test("pictures are counted as they will be trained on and measured", () => {
  const none = { fixed_loss_holdout: 0 };
  assert.deepEqual(pictureCounts(none, sets(5)), { trained: 5, heldOut: 0 });
  assert.deepEqual(pictureCounts(none, sets(5, 2)), { trained: 5, heldOut: 2 });
  const two = { fixed_loss_holdout: 2 };
  assert.deepEqual(pictureCounts(two, sets(9)), { trained: 7, heldOut: 2 });
  assert.deepEqual(pictureCounts(two, sets(7)), { trained: 7, heldOut: 0 }, "too few to set apart");
  assert.deepEqual(pictureCounts(two, sets(9, 1)), { trained: 9, heldOut: 1 });
  assert.equal(pictureCounts(none, null), null, "a stage of somebody's own");
});

test("a batch larger than the data is planned as what there is, which is said", () => {
  const batch = (values: object, ...pictures: number[]) =>
    picturesAtOnce(values as Record<string, unknown>, sets(...pictures)).train_batch_size;
  assert.equal(batch({ train_batch_size: 64 }, 3), 3);
  assert.equal(batch({ train_batch_size: 2 }, 3), 2);
  assert.equal(batch({ train_batch_size: 64, fixed_loss_holdout: 2 }, 9), 7);
  assert.equal(picturesAtOnce({ train_batch_size: 64 }, null).train_batch_size, 64);
  assert.deepEqual(batchNotes(3, 3), []);
  assert.deepEqual(batchNotes(64, undefined), []);
  assert.match(
    batchNotes(64, 3).join(),
    /^train_batch_size 64: there are 3 pictures .* planned so/,
  );
  assert.match(batchNotes(4, 1).join(), /there is 1 picture /);
});
