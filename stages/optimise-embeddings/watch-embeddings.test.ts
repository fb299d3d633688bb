// What is watched of a real model's vocabularies, against the file read whole: spreads before anything else
// is read, norms once, and only when somebody asks.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Effect } from "effect";
import { standardDeviation } from "../../engine/optimise/std-pull.ts";
import type { Engine } from "../../engine/session/engine.ts";
import { TokenEmbeddings } from "../../engine/text/token-embeddings.ts";
import { openModel } from "../../engine/weights/model.ts";
import { readTensor } from "../../lib/safetensors/safetensors.ts";
import type { TrainingState } from "./training-state.ts";
import { watchEmbeddings } from "./watch-embeddings.ts";

const folder = fileURLToPath(new URL("../../tests/golden/b/model", import.meta.url));

test("spreads to the last bit; norms and words when they are asked for", async () => {
  const model = await openModel(folder);
  const views = [model.weights.textEncoder, model.weights.textEncoder2].map((weights) =>
    weights.get("text_model.embeddings.token_embedding.weight")!
  );
  const reads: number[] = [];
  const tokens = views.map((view, i) => {
    const embeddings = new TokenEmbeddings(view);
    const blocks = embeddings.blocks.bind(embeddings);
    return Object.assign(embeddings, { blocks: () => (reads.push(i), blocks()) });
  });
  const watch = await watchEmbeddings(model, { tokens } as unknown as Engine);
  const whole = await Promise.all(views.map(readTensor));
  assert.deepEqual(watch.spreads, whole.map(standardDeviation));
  assert.deepEqual(reads, [0, 0, 1, 1]);

  const rows = whole.map((values, i) => Float64Array.from(values.slice(0, 2 * tokens[i].width)));
  const state = { initial: rows, optimizer: { rows } } as unknown as TrainingState;
  const stats = (words: boolean) => Effect.runPromise(watch.stats(state, words));
  for (const [i, { norms, vocabularyNorms, nearest }] of (await stats(true)).entries()) {
    const { width, vocabularySize } = tokens[i];
    const sorted = Array.from(
      { length: vocabularySize },
      (_, id) => Math.hypot(...whole[i].slice(id * width, (id + 1) * width)),
    );
    assert.ok(Math.abs(norms[1] - sorted[1]) < 1e-9);
    sorted.sort((a, b) => a - b);
    [0.05, 0.5, 0.95].forEach((share, which) => {
      const wanted = sorted[Math.floor(share * (vocabularySize - 1))];
      assert.ok(Math.abs(vocabularyNorms[which] - wanted) < 1e-9);
    });
    assert.deepEqual(nearest.map(([[word]]) => word), ["!-", '"-']);
  }
  assert.deepEqual(reads.slice(4).toSorted(), [0, 0, 1, 1]);
  assert.deepEqual((await stats(false)).map(({ nearest }) => nearest), [[], []]);
  assert.equal(reads.length, 8);
});
