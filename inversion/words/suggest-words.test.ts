// The table against losses that were worked out for every word of a small model apart from the search; and
// what is refused before any weight is read.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { Effect } from "effect";
import sharp from "sharp";
import { modelA } from "../../engine/weights/model.fixture.ts";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { baseModel } from "../generate/base-model.ts";
import { openPictureLoss } from "./picture-loss.ts";
import { suggestWords } from "./suggest-words.ts";

const listener = { say: () => {}, progress: () => Effect.void };
const { basis } = await baseModel([], { model: modelA, vae: null, modelConfig: null });
const open = (folder: string) =>
  openPictureLoss({ basis, folder, size: [16, 16], provider: "cpu", threads: 1 }, listener);

test("the best word first, each with the loss of a batch of its own", () =>
  withTemporaryFolder(async (folder) => {
    for (const [i, background] of ["#a33", "#3a7"].entries()) {
      const create = { width: 20, height: 18, channels: 3 as const, background };
      await sharp({ create }).png().toFile(join(folder, `${i}.png`));
    }
    const [table, again] = await Effect.runPromise(Effect.scoped(Effect.gen(function* () {
      const measure = yield* open(folder);
      const table = yield* suggestWords(measure, null, listener);
      const { tokens } = measure.engine;
      // Measured anew by the word's own rows.
      const { loadTokenizer } = yield* Effect.promise(() =>
        import("../../engine/text/tokenizer.ts")
      );
      const tokenizers = measure.model.tokenizers.map((files) => loadTokenizer(files));
      const again = yield* Effect.forEach(table.slice(0, 3), ({ word }) =>
        Effect.gen(function* () {
          const ids = tokenizers.map((each) => each.tokenId(word)!);
          const rows = yield* Effect.promise(() =>
            Promise.all([tokens[0].row(ids[0]), tokens[1].row(ids[1])])
          );
          return yield* measure.loss(rows, 1, [50, 200, 350, 500, 650, 800, 950]);
        }));
      return [table, again] as const;
    })));
    assert.ok(table.length > 3);
    assert.deepEqual(
      table.map(({ loss }) => loss),
      table.map(({ loss }) => loss).toSorted((a, b) => a - b),
    );
    assert.deepEqual(table.slice(0, 3).map(({ loss }) => loss), again);
  }));

test("no pictures, no folder, no such word: said with what to do", () =>
  withTemporaryFolder(async (folder) => {
    const fails = (path: string) => Effect.runPromise(Effect.scoped(open(path)));
    await assert.rejects(fails(folder), /at least one picture.*no files/);
    await assert.rejects(fails(join(folder, "nowhere")), /no such folder/);
    const create = { width: 16, height: 16, channels: 3 as const, background: "#333" };
    await sharp({ create }).png().toFile(join(folder, "a.png"));
    await assert.rejects(
      Effect.runPromise(
        Effect.scoped(
          Effect.flatMap(open(folder), (measure) => suggestWords(measure, "notaword", listener)),
        ),
      ),
      /--beside.*one token.*notaword/,
    );
  }));
