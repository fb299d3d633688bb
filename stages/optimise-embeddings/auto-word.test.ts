// The word that is found, with a loss whose minimum is known; and that every caption that is measured holds
// one token in the place of the placeholder's several. The losses of real pictures are the engine's.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Effect } from "effect";
import type { TrainingBatch } from "../../engine/session/batch.ts";
import type { Engine } from "../../engine/session/engine.ts";
import { TokenEmbeddings } from "../../engine/text/token-embeddings.ts";
import { loadTokenizer } from "../../engine/text/tokenizer.ts";
import { openModel } from "../../engine/weights/model.ts";
import { withAutoWord } from "./auto-word.ts";
import { gradientTools } from "./gradient.fixture.ts";

const model = await openModel(
  fileURLToPath(new URL("../../sample_data/tiny-sdxl", import.meta.url)),
);
const name = "text_model.embeddings.token_embedding.weight";
const tokens = [
  new TokenEmbeddings(model.weights.textEncoder.get(name)!),
  new TokenEmbeddings(model.weights.textEncoder2.get(name)!),
] as const;

test("the word with the lowest loss, once for each vector", async () => {
  const [first, second] = model.tokenizers.map((files) => loadTokenizer(files));
  const wanted = await tokens[0].row(first.tokenId("tree")!);
  const seen: TrainingBatch[] = [];
  const engine = {
    model,
    tokens,
    loss: (batch: TrainingBatch) => {
      seen.push(batch);
      return Promise.resolve(wanted.reduce((sum, x, i) => sum + (x - batch.rows1[i]) ** 2, 0));
    },
  } as unknown as Engine;
  const { drawing, objective } = gradientTools(engine, [[2, 3], [2, 3], [4, 1]]);
  const sizes = [model.configs.textEncoder.vocab_size, model.configs.textEncoder2.vocab_size];
  const ids = [[sizes[0], sizes[0] + 1], [sizes[1], sizes[1] + 1]] as const;
  const two = {
    ...drawing.tokens,
    placeholderTokens: ["gnome", "gnome_1"],
    placeholderIds: ids,
    captions: [[{ text: "gnome", ids, followed: null }]],
  };
  const tools = { progress: () => Effect.void, withResource: <A>(_: string, work: A) => work };
  const found = await Effect.runPromise(
    withAutoWord(engine, { ...drawing, tokens: two }, objective, tools as never),
  );
  assert.equal(found.word, "tree");
  assert.deepEqual(found.tokens.initialIds, [
    [first.tokenId("tree"), first.tokenId("tree")],
    [second.tokenId("tree"), second.tokenId("tree")],
  ]);
  for (const { ids1, ids2, pooling } of [seen[0], seen.at(-1)!]) {
    assert.equal(ids1.length, 2, "the pictures of the first one's size");
    assert.ok(ids1.every((each) => each.filter((id) => id >= sizes[0]).length === 1));
    assert.ok(ids2.every((each) => each.filter((id) => id >= sizes[1]).length === 1));
    assert.ok(pooling!.every((rule) => rule.kind === "first"), "as a word is pooled");
  }
});
