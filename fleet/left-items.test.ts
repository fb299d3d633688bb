// What a worker leaves: news once, until it takes it; forgotten when nobody asks about it any more.
import assert from "node:assert/strict";
import { test } from "node:test";
import { leftItems } from "./left-items.ts";

test("it is news once, again after it was taken, and forgotten a minute after the last look", () => {
  let now = 0;
  const left = leftItems(() => now);
  const one = { sweep: "s", trial: 1 };
  assert.equal(left.note(one, "no room"), true);
  assert.equal(left.note(one, "less room"), false);
  assert.deepEqual(left.all(), [{ ...one, why: "less room" }]);
  assert.equal(left.note(one, null), false);
  assert.deepEqual(left.all(), []);
  assert.equal(left.note(one, "no room"), true);
  now = 59_000;
  assert.equal(left.all().length, 1);
  now = 61_000;
  assert.deepEqual(left.all(), []);
});
