import assert from "node:assert/strict";
import { test } from "node:test";
import { inTime } from "./in-time.ts";

test("what never comes is given up, and what comes is handed on", async () => {
  // Without the timer nothing would be left to do here, and the process would end.
  await assert.rejects(inTime(new Promise(() => {}), 0.01), /still waits .* 0\.01 s/);
  assert.equal(await inTime(Promise.resolve(7), 60), 7);
  await assert.rejects(inTime(Promise.reject(new Error("its own")), 60), /its own/);
});
