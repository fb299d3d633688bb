import assert from "node:assert/strict";
import { test } from "node:test";
import { embeddingStats, nearestWords, normRange, norms } from "./embedding-stats.ts";

test("norms, cosines and nearest words of hand-made rows", () => {
  const rows = Float64Array.of(3, 4, 0, -2);
  const initial = Float64Array.of(4, 3, 0, 5);
  const { norms: lengths, cosines } = embeddingStats("clip_l", rows, initial, 2);
  assert.deepEqual(lengths, [5, 2]);
  assert.deepEqual(cosines, [24 / 25, -1]);
});

test("the nearest words of hand-made rows, whatever the blocks", async () => {
  const rows = Float64Array.of(3, 4, 0, -2);
  const embeddings = Float32Array.of(1, 0, 0, 1, 6, 8);
  for (const size of [1, 2, 3]) {
    const blocks = async function* () {
      for (let first = 0; first < 3; first += size) {
        yield { first, values: embeddings.slice(2 * first, 2 * (first + size)) };
      }
    };
    const wordOf = (id: number) => ["east", "north", "far"][id];
    const words = { lengths: norms(embeddings, 2), wordOf };
    assert.deepEqual(await nearestWords(rows, 2, { ...words, blocks: blocks() }, 2), [
      [["far", 1], ["north", 0.8]],
      [["east", 0], ["far", -0.8]],
    ]);
  }
});

test("the range of norms", () => {
  const lengths = Float64Array.from({ length: 101 }, (_, i) => 100 - i);
  assert.deepEqual(normRange(lengths), [5, 50, 95]);
});
