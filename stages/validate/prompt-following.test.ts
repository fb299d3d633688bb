// F against pictures whose difference is known: only what lies outside the centre third counts, each rule
// of pooling against the word's picture of the same noise.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Effect } from "effect";
import {
  followingNoises,
  followingPrompts,
  measureFollowing,
  outsideDifference,
} from "./prompt-following.ts";

const latents = (value: (y: number, x: number) => number, size = 6) => ({
  dims: [1, 2, size, size],
  data: Float32Array.from(
    { length: 2 * size * size },
    (_, i) => value(Math.floor(i / size) % size, i % size),
  ),
});
const centre = (y: number, x: number) => [2, 3].includes(y) && [2, 3].includes(x);

test("what differs in the centre third does not count, what differs around it does", () => {
  const blank = latents(() => 0);
  assert.equal(outsideDifference(blank, latents((y, x) => centre(y, x) ? 9 : 0)), 0);
  assert.equal(outsideDifference(blank, latents((y, x) => centre(y, x) ? 0 : 3)), 9);
  // One of the 32 places outside, in both channels.
  assert.equal(outsideDifference(blank, latents((y, x) => y === 0 && x === 5 ? 4 : 0)), 16 / 32);
});

test("the mean and its error over prompts and noises, for each rule", async () => {
  const drawn: string[] = [];
  const found = await Effect.runPromise(measureFollowing(
    { word: "gnome", placeholder: "zq_gnome", poolings: ["argmax", "end_token"] },
    ({ text, image, pooling }) => {
      drawn.push(`${text} ${image} ${pooling}`);
      const own = text.includes("zq_") ? (pooling === "argmax" ? 2 : image % 2) : 0;
      return Effect.succeed(latents(() => own));
    },
  ));
  const count = followingPrompts.length * followingNoises;
  assert.equal(drawn.length, 3 * count);
  assert.equal(new Set(drawn).size, 3 * count, "nothing is drawn twice");
  assert.deepEqual(found[0], { pooling: "argmax", mean: 4, error: 0 });
  assert.equal(found[1].mean, 0.5);
  // Half zeros, half ones: variance 1/4 * n/(n-1).
  assert.ok(Math.abs(found[1].error - Math.sqrt(0.25 / (count - 1))) < 1e-12);
});
