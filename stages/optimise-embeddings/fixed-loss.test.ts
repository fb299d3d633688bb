// Which items are measured, and what their captions are with the word in the place of its vectors.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Effect } from "effect";
import type { Latents } from "../../inversion/artefacts/latents.ts";
import type { TokenIds } from "../../inversion/artefacts/token-ids.ts";
import { type FixedInputs, fixedItems, itemsOfWord } from "./fixed-loss.ts";

const frame = (padId: number) => ({ startId: 90, endId: 91, padId });
const padded = (ids: readonly number[], padId: number) => [
  90,
  ...ids,
  91,
  ...Array(75 - ids.length).fill(padId),
];

/** "a THING_1 THING_2 THING_3 here" and "THING_1 ...", its vectors 100 to 102 and 200 to 202. */
const tokens = (initialIds: TokenIds["initialIds"]): TokenIds => ({
  placeholder: "thing",
  placeholderTokens: ["thing", "thing_1", "thing_2"],
  placeholderIds: [[100, 101, 102], [200, 201, 202]],
  initialIds,
  frames: [frame(91), frame(0)],
  shuffle_delimiter: null,
  captions: [
    [{ text: "a", ids: [[5, 100, 101, 102, 6], [5, 200, 201, 202, 6]], followed: null }],
    [{ text: "b", ids: [[100, 101, 102], [200, 201, 202]], followed: null }],
  ],
  train: [{ id: "t", captions: [1] }],
  heldOut: [{ id: "h0", captions: [0] }, { id: "h1", captions: [1] }],
});
const view = {
  size: [1, 1],
  original_size: [8, 8],
  crop_top_left: [0, 0],
  target_size: [8, 8],
  flipped: false,
  posterior: { digest: "", bytes: 0 },
  mask: null,
} as const;
const picture = (id: string) => ({ id, views: [view] });
const latents: Latents = {
  channels: 4,
  train: [picture("t")],
  heldOut: [picture("h0"), picture("h1")],
};
const inputs = (of: TokenIds): FixedInputs => ({
  seed: 1,
  latents,
  tokens: of,
  poolings: [{ kind: "argmax" }],
  read: () =>
    Effect.succeed({ mean: new Float32Array(4), logvar: new Float32Array(4), mask: null }),
});
const word = [[7, 7, 7], [8, 8, 8]] as const;

test("all: each held-out picture at each timestep with noise of its own; in turn: one a timestep", async () => {
  const of = (layout: "all" | "in_turn") =>
    Effect.runPromise(fixedItems(inputs(tokens(word)), { layout, timesteps: [200, 500, 800] }));
  const all = await of("all");
  assert.deepEqual(
    all.map(({ timestep, tokens: { text } }) => `${text}${timestep}`),
    ["a200", "a500", "a800", "b200", "b500", "b800"],
  );
  assert.equal(new Set(all.map(({ noise }) => Array.from(noise).join())).size, 6);
  const turn = await of("in_turn");
  assert.deepEqual(
    turn.map(({ timestep, tokens: { text } }) => `${text}${timestep}`),
    ["a200", "b500", "a800"],
  );
});

test("the word once stands where its vectors stood, the rest moves up", async () => {
  const of = tokens(word);
  const timesteps = [500];
  const items = await Effect.runPromise(fixedItems(inputs(of), { layout: "all", timesteps }));
  const [first, second] = itemsOfWord(items, of)!;
  assert.deepEqual(first.tokens.ids1, padded([5, 7, 6], 91));
  assert.deepEqual(first.tokens.ids2, padded([5, 8, 6], 0));
  assert.deepEqual(second.tokens.ids1, padded([7], 91));
  assert.deepEqual(first.noise, items[0].noise);
  assert.deepEqual(items[0].tokens.ids1, padded([5, 100, 101, 102, 6], 91), "these are left alone");
});

test("a phrase, a file and a single vector are no word with copies", () => {
  assert.equal(itemsOfWord([], tokens([[7, 9, 7], [8, 8, 8]])), null);
  assert.equal(itemsOfWord([], tokens(null)), null);
  assert.equal(itemsOfWord([], tokens([[7], [8]])), null);
});

test("several rules of pooling: all items under the first, then the same under the next", async () => {
  const poolings = [{ kind: "argmax" }, { kind: "first", id: 1 }] as const;
  const asked = { layout: "all", timesteps: [200, 800] } as const;
  const one = await Effect.runPromise(fixedItems(inputs(tokens(word)), asked));
  const two = await Effect.runPromise(fixedItems({ ...inputs(tokens(word)), poolings }, asked));
  assert.deepEqual(two.slice(0, one.length), one);
  assert.deepEqual(two.slice(one.length), one.map((item) => ({ ...item, pooling: poolings[1] })));
});
