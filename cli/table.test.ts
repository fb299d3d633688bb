import assert from "node:assert/strict";
import { test } from "node:test";
import { ageOf, bytesText, secondsText } from "./quantity.ts";
import { table } from "./table.ts";

test("columns line up, numbers to the right, no blanks at the end", () => {
  assert.deepEqual(
    table([["RUN", "STEP", "X"], ["bruce-1", "7", ""], ["b", "1000", "y"]], new Set([1])),
    [
      "RUN      STEP  X",
      "bruce-1     7",
      "b        1000  y",
    ],
  );
  assert.deepEqual(table([]), []);
});

test("what a file says cannot steer the terminal", () => {
  assert.deepEqual(table([["a\x1b[2Jb\r\nc\u202ed"]]), ["ab c d"]);
});

test("bytes, seconds and ages", () => {
  assert.deepEqual([0, 999, 1000, 8_240, 123_456, 9_999_999_999, 5e15].map(bytesText), [
    "0 B",
    "999 B",
    "1.0 kB",
    "8.2 kB",
    "123 kB",
    "10.0 GB",
    "5000 TB",
  ]);
  assert.deepEqual([0.4, 59.4, 59.6, 3599, 3601, 86400].map(secondsText), [
    "0 s",
    "59 s",
    "1 min 0 s",
    "59 min 59 s",
    "1 h 0 min",
    "24 h 0 min",
  ]);
  assert.deepEqual(["90m", "12h", "30d", "2w"].map(ageOf), [5.4e6, 4.32e7, 2.592e9, 1.2096e9]);
  assert.deepEqual(["30", "d", "-1d", "1.5h", "1y", ""].map(ageOf), Array(6).fill(undefined));
});
