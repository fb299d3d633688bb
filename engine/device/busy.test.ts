// A thread is told of as busy as long as it is, and begins nothing once the device is closed.
import assert from "node:assert/strict";
import { test } from "node:test";
import { awaitIdle, closeBusy, newBusy, whileBusy } from "./busy.ts";

test("busy until the work is done, also where it fails", async () => {
  const busy = newBusy();
  let end = () => {};
  const working = whileBusy(busy, () => new Promise((resolve) => end = resolve));
  assert.equal(awaitIdle(busy, 1), false);
  end();
  await working;
  assert.equal(awaitIdle(busy, 1), true);
  const failing = newBusy();
  await assert.rejects(whileBusy(failing, () => Promise.reject(new Error("no memory"))));
  assert.equal(closeBusy(failing), false);
});

test("nothing begins after the end", async () => {
  const busy = newBusy();
  assert.equal(closeBusy(busy), false);
  let begun = false;
  await whileBusy(busy, () => Promise.resolve(void (begun = true)));
  assert.equal(begun, false);
});
