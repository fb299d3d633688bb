// Which caption a picture is shown with, and in which order its parts: drawn as often as they should be, and
// the same again for the same use. That the ids are the text's own is stages/tokenise's to test.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type TokenIds, tokensFor } from "./token-ids.ts";

const frame = { startId: 0, endId: 1, padId: 1 };

/** Two pictures: three captions of one part; one caption of three parts. */
const tokens: TokenIds = {
  placeholder: "gnome",
  placeholderTokens: ["gnome"],
  placeholderIds: [[2], [2]],
  initialIds: null,
  frames: [frame, frame],
  shuffle_delimiter: ",",
  captions: [["one"], ["two"], ["red", "green", "blue"]].map((parts) =>
    parts.map((text) => ({ text, ids: [[2], [2]], followed: null }))
  ),
  train: [{ id: "a.jpg", captions: [0, 1, 1] }, { id: "b.jpg", captions: [2] }],
  heldOut: [],
};

const texts = (item: number, count: number, of: TokenIds = tokens, seed = 1) =>
  Array.from({ length: count }, (_, epoch) => tokensFor(of, { seed, epoch, item }).text);
const shares = (all: readonly string[]) =>
  new Map([...Map.groupBy(all, (text) => text)].map(([text, some]) => [
    text,
    some.length / all.length,
  ]));

test("each caption as often as it is listed, give or take chance", () => {
  const drawn = shares(texts(0, 3000));
  assert.deepEqual([...drawn.keys()].sort(), ["one", "two"]);
  assert.ok(Math.abs(drawn.get("one")! - 1 / 3) < 0.05);
});

test("the same use gives the same caption; another seed or picture another course", () => {
  const alike = { ...tokens, train: [tokens.train[0], tokens.train[0]] };
  assert.deepEqual(texts(0, 40), texts(0, 40));
  assert.notDeepEqual(texts(0, 40), texts(0, 40, tokens, 2));
  assert.notDeepEqual(texts(0, 40, alike), texts(1, 40, alike));
});

test("every order of a caption's parts comes, each as often as the others", () => {
  const orders = shares(texts(1, 3000));
  assert.deepEqual([...orders.keys()].sort(), [
    "blue, green, red",
    "blue, red, green",
    "green, blue, red",
    "green, red, blue",
    "red, blue, green",
    "red, green, blue",
  ]);
  for (const share of orders.values()) assert.ok(Math.abs(share - 1 / 6) < 0.04);
});
