// What counts as a reference to a blob: exactly {digest, bytes} with a SHA-256, wherever it stands.
import assert from "node:assert/strict";
import { test } from "node:test";
import { blobsIn } from "./blobs-in.ts";

const blob = (letter: string) => ({ digest: letter.repeat(64), bytes: 3 });

test("blobs at any depth, each once, in the order of appearance", () => {
  const json = { b: [blob("b"), { deep: [{ at: blob("a") }] }], again: blob("b"), none: null };
  assert.deepEqual(blobsIn(json), [blob("b"), blob("a")]);
  assert.deepEqual(blobsIn(blob("c")), [blob("c")]);
});

test("what only resembles one is none", () => {
  for (
    const other of [
      { ...blob("a"), more: 1 },
      { digest: blob("a").digest },
      { digest: "a".repeat(63), bytes: 3 },
      { digest: "g".repeat(64), bytes: 3 },
      { digest: blob("a").digest, bytes: "3" },
    ]
  ) assert.deepEqual(blobsIn([other]), [], JSON.stringify(other));
});
