// What a worker leaves: news once, and again for another reason; shown while somebody asks about it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { leftItems } from "./left-items.ts";

test("it is news once, tried in between too; again for another reason, or after an hour", () => {
  let now = 0;
  const left = leftItems(() => now);
  const one = { sweep: "s", trial: 1 };
  assert.equal(left.note(one, "no room"), true);
  assert.equal(left.note(one, "less room"), false);
  assert.deepEqual(left.all(), [{ ...one, why: "less room" }]);
  assert.equal(left.note(one, null), false);
  assert.deepEqual(left.all(), []);
  assert.equal(left.note(one, "no room"), false);
  assert.deepEqual(left.all(), [{ ...one, why: "no room" }]);
  now = 59_000;
  assert.equal(left.all().length, 1);
  now = 61_000;
  assert.deepEqual(left.all(), []);
  left.note(one, null);
  assert.equal(left.note(one, "no pictures"), true);
  left.note(one, null);
  now += 3_600_001;
  assert.deepEqual(left.all(), []);
  assert.equal(left.note(one, "no pictures"), true);
});
