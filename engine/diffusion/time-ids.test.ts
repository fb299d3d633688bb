import assert from "node:assert/strict";
import { test } from "node:test";
import { timeIds } from "./time-ids.ts";

test("time ids are height before width, top before left", () => {
  const sizes = {
    originalSize: [4032, 3024],
    cropTopLeft: [7, 0],
    targetSize: [1024, 768],
  } as const;
  assert.deepEqual(timeIds(sizes), [4032, 3024, 7, 0, 1024, 768]);
});
