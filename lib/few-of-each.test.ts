import assert from "node:assert/strict";
import { test } from "node:test";
import { allFaults, fault } from "./fault.ts";

class Mistake extends fault("Mistake", "user") {}

test("of many faults that ask for the same the first five are shown and the rest counted", () => {
  const mistakes = (count: number, fix: string) =>
    Array.from(
      { length: count },
      (_, i) => new Mistake({ line: i, wanted: "a", found: `${i}`, fix }),
    );
  const all = allFaults([...mistakes(7, "Do this."), ...mistakes(5, "Do that.")]);
  const lines = all.message.split("\n");
  assert.equal(lines[0], "12 problems:");
  assert.equal(lines.filter((line) => line.endsWith("Do that.")).length, 5);
  assert.equal(lines.at(-1), "  ... and 2 more like these. Do this.");
  assert.equal(lines.length, 1 + 5 + 5 + 1);
});
