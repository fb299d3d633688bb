// The command over a small random model: the table in words and as JSON, a word beside it, and what it
// refuses. The losses themselves have their test with the search (inversion/words).
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Effect } from "effect";
import sharp from "sharp";
import { modelA } from "../engine/weights/model.fixture.ts";
import { withTemporaryFolder } from "../runtime/testing/temporary-folder.ts";
import { suggestCommand } from "./suggest.ts";

const usual = { model: modelA, size: 16, provider: "cpu", threads: 1 };

async function run(args: string[], options: Record<string, unknown> = {}): Promise<string[]> {
  const lines: string[] = [];
  const print = (line: string) => void lines.push(line);
  await Effect.runPromise(suggestCommand.run(args, { ...usual, ...options }, { print }));
  return lines;
}

test("the best words as a table, and one of one's own with its place", () =>
  withTemporaryFolder(async (folder) => {
    const create = { width: 16, height: 16, channels: 3 as const, background: "#a33" };
    await sharp({ create }).png().toFile(join(folder, "a.png"));
    const [json] = await run([folder], { json: true, top: 3, beside: "Gnome" });
    const shown: readonly { place: number; word: string; loss: number }[] = JSON.parse(json);
    assert.deepEqual(shown.slice(0, 3).map(({ place }) => place), [1, 2, 3]);
    const losses = shown.map(({ loss }) => loss);
    assert.deepEqual(losses, losses.toSorted((a, b) => a - b));
    assert.ok(shown.some(({ word }) => word === "gnome"));
    assert.ok(shown.length <= 4);

    const [head, ...rows] = await run([folder], { top: 3, beside: "gnome" });
    assert.match(head, /word +loss/);
    assert.deepEqual(rows.map((row) => row.trim().split(/ +/)), [
      ...shown.map(({ place, word, loss }) => [`${place}`, word, loss.toFixed(5)]),
    ]);
  }));

test("no pictures, no folder, no number of words: refused", () =>
  withTemporaryFolder(async (folder) => {
    const empty = join(folder, "empty");
    mkdirSync(empty);
    await assert.rejects(run([empty]), /wanted at least one picture .*found no files/);
    await assert.rejects(run([join(folder, "nowhere")]), /found no such folder/);
    await assert.rejects(run([empty], { top: 0 }), /--top/);
  }));
