import assert from "node:assert/strict";
import { test } from "node:test";
import { captionFor, type Captions } from "./captions.ts";

const captions: Captions = {
  placeholder: "gnome",
  shuffle_delimiter: null,
  train: [
    { id: "a.jpg", captions: ["one", "two", "two"] },
    { id: "b.jpg", captions: ["red, green ,blue"] },
  ],
  heldOut: [],
};
const uses = (item: number, count: number, seed = 1) =>
  Array.from({ length: count }, (_, epoch) => ({ seed, epoch, item }));
const shares = (texts: readonly string[]) =>
  new Map(
    [...Map.groupBy(texts, (text) => text)].map(([text, all]) => [text, all.length / texts.length]),
  );

test("each caption as often as it is listed, give or take chance", () => {
  const drawn = shares(uses(0, 3000).map((use) => captionFor(captions, use)));
  assert.deepEqual([...drawn.keys()].sort(), ["one", "two"]);
  assert.ok(Math.abs(drawn.get("one")! - 1 / 3) < 0.05);
});

test("the same use gives the same caption; another seed or picture another course", () => {
  const course = (item: number, seed?: number) =>
    uses(item, 40, seed).map((use) => captionFor(captions, use)).join();
  const alike: Captions = { ...captions, train: [captions.train[0], captions.train[0]] };
  assert.equal(course(0), course(0));
  assert.notEqual(course(0), course(0, 2));
  assert.notEqual(
    course(0),
    uses(1, 40).map((use) => captionFor(alike, use)).join(),
  );
});

test("without a delimiter a caption stays as it is; with one every order of its parts comes", () => {
  assert.equal(captionFor(captions, { seed: 1, epoch: 0, item: 1 }), "red, green ,blue");
  const shuffling = { ...captions, shuffle_delimiter: "," };
  const orders = shares(uses(1, 3000).map((use) => captionFor(shuffling, use)));
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
