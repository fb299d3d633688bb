import assert from "node:assert/strict";
import { test } from "node:test";
import { progressLine } from "./progress-line.ts";

function shown(isTTY: boolean, steps: readonly (readonly [at: number, done: number])[]): string {
  const clock = { at: 0 };
  let text = "";
  const line = progressLine({ isTTY, columns: 40, write: (part) => text += part }, () => clock.at);
  for (const [at, done] of steps) {
    clock.at = at;
    line.update(done, 30, "steps");
  }
  return text;
}

test("the rest is reckoned from the pace after the first part", () => {
  const text = shown(true, [[20_000, 1], [21_000, 2], [22_000, 3]]);
  assert.deepEqual(text.replaceAll("\x1b[K", "").split("\r"), [
    "",
    "1 of 30 steps",
    "2 of 30 steps, 28 s left",
    "3 of 30 steps, 27 s left",
  ]);
});

test("on a terminal the line is thinned, and gone at the end", () => {
  const text = shown(true, [[0, 1], [10, 2], [20, 3], [1000, 30]]);
  assert.equal(text, "\r1 of 30 steps\x1b[K\r\x1b[K");
});

test("elsewhere whole lines, now and then, without control characters", () => {
  assert.equal(
    shown(false, [[0, 1], [5000, 10], [11_000, 21], [12_000, 22], [13_000, 30]]),
    "21 of 30 steps, 5 s left\n",
  );
});

test("elsewhere what does not get on is said once, and when it goes on", () => {
  const waiting = [11_000, 22_000, 33_000, 44_000].map((at) => [at, 3] as const);
  assert.equal(
    shown(false, [[0, 3], ...waiting, [45_000, 4], [46_000, 4]]),
    "3 of 30 steps\n4 of 30 steps, 19 min 30 s left\n",
  );
});

test("bytes, of a download or of weights that are converted", () => {
  let text = "";
  let at = 0;
  const line = progressLine({ isTTY: true, write: (part) => text += part }, () => at += 1000);
  line.update(1_500_000, 6_900_000_000, "bytes");
  assert.equal(text, "\r1.5 MB of 6.9 GB\x1b[K");
  line.update(1_500_000, 2_600_000_000, "bytes converted");
  assert.ok(text.endsWith("\r1.5 MB of 2.6 GB converted\x1b[K"), text);
});
