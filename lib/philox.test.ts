import assert from "node:assert/strict";
import { test } from "node:test";
import { type Counter, type Key, philox } from "./philox.ts";

// Known answers of Random123 1.14, tests/kat_vectors, "philox4x32 10": counter, key, words.
const known: [Counter, Key, string][] = [
  [[0, 0, 0, 0], [0, 0], "6627e8d5 e169c58d bc57ac4c 9b00dbd8"],
  [
    [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
    [0xffffffff, 0xffffffff],
    "408f276d 41c83b0e a20bc7c6 6d5451fd",
  ],
  [
    [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
    [0xa4093822, 0x299f31d0],
    "d16cfe09 94fdcceb 5001e420 24126ea1",
  ],
];

test("Philox 4x32-10 gives Random123's known answers", () => {
  const words = new Uint32Array(4);
  for (const [counter, key, answer] of known) {
    philox(counter, key, words);
    assert.equal([...words].map((word) => word.toString(16).padStart(8, "0")).join(" "), answer);
  }
});
