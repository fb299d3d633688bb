// The reference's sample configuration against its own documented defaults.
import assert from "node:assert/strict";
import { test } from "node:test";
import { configurationEntries } from "./configuration-entries.ts";

const entriesOf = (configuration: unknown) =>
  new Map(configurationEntries(configuration).map((entry) => [entry.key, entry]));

test("what differs from the default is marked and comes first", () => {
  const list = configurationEntries({
    num_vectors: 4,
    seed: 3,
    train_batch_size: 4,
    gradient_accumulation_steps: 1,
  });
  const found = new Map(list.map((entry) => [entry.key, entry]));
  assert.deepEqual(
    [found.get("num_vectors")?.standard, found.get("num_vectors")?.differs],
    [1, true],
  );
  assert.equal(found.get("gradient_accumulation_steps")?.differs, false);
  const firstSame = list.findIndex(({ differs }) => !differs);
  assert.ok(list.slice(firstSame).every(({ differs }) => !differs));
  assert.ok(list.every(({ doc }) => doc.length > 10));
});

test("an option of one kind is compared with that kind's default", () => {
  const adam = entriesOf({ optimizer: { optimizer_type: "AdamW", learning_rate: 1e-4 } });
  const prodigy = entriesOf({ optimizer: { optimizer_type: "Prodigy", learning_rate: 1e-4 } });
  assert.equal(adam.get("optimizer.learning_rate")?.differs, false);
  assert.equal(prodigy.get("optimizer.learning_rate")?.differs, true);
  assert.equal(prodigy.get("optimizer.learning_rate")?.standard, 1);
});

test("an option that must be given has no default, an unknown one no meaning", () => {
  const found = entriesOf({ placeholder_token: "bruce", from_the_future: { a: 1 } });
  assert.equal("standard" in found.get("placeholder_token")!, false);
  assert.equal(found.get("placeholder_token")?.differs, true);
  assert.equal(found.get("from_the_future.a")?.doc, "");
});

test("a run without a readable configuration has no entries", () => {
  for (const nothing of [null, undefined, "text", 3, []]) {
    assert.deepEqual(configurationEntries(nothing), []);
  }
});
