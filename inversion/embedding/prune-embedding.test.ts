// Which vectors are dropped, against a loss whose minimum is known; the refit lowers it. The loss of
// pictures itself is the engine's, which has its tests.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { Effect } from "effect";
import { writeSafetensors } from "../../lib/safetensors/safetensors.ts";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import type { PictureLoss } from "../words/picture-loss.ts";
import { readEmbedding } from "./embedding-file.ts";
import { prunable, pruneEmbedding } from "./prune-embedding.ts";

const said: (readonly [done: number, total: number])[] = [];
const listener = {
  say: () => {},
  progress: (done: number, total: number) => Effect.sync(() => void said.push([done, total])),
};
const width = 2;

async function embedding(folder: string, rows: readonly number[]): Promise<string> {
  const path = join(folder, "zq_hat.safetensors");
  const tensor = (factor: number) => ({
    dtype: "F32" as const,
    shape: [rows.length, width],
    data: Float32Array.from(rows.flatMap((row) => [row * factor, -row])),
  });
  await writeSafetensors(path, new Map([["clip_l", tensor(1)], ["clip_g", tensor(2)]]), {
    "gnomic.trigger": "zq_hat",
    "gnomic.vectors": String(rows.length),
  });
  return path;
}

/** The sum of the first encoder's first values; it should be 10, so small rows are missed least. */
function sumOf(rows: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < rows.length; i += width) sum += rows[i];
  return sum;
}
const measure: Pick<PictureLoss, "loss" | "gradient"> = {
  loss: ([rows]) => Effect.succeed((10 - sumOf(rows)) ** 2),
  gradient: ([first, second]) =>
    Effect.succeed({
      loss: (10 - sumOf(first)) ** 2,
      grad1: Float64Array.from(first, (_, i) => i % width === 0 ? -2 * (10 - sumOf(first)) : 0),
      grad2: new Float64Array(second.length),
    }),
};

test("the vectors that are missed least go; the rest make up for them", () =>
  withTemporaryFolder(async (folder) => {
    const file = await prunable(await embedding(folder, [4, 0.25, 3, 2, 0.5]), 3);
    const run = (steps: number, by = measure, out?: string) =>
      Effect.runPromise(pruneEmbedding(file, { to: 3, steps, out }, by, listener));
    const bare = await run(0);
    assert.equal(bare.file, join(folder, "zq_hat-3.safetensors"));
    assert.deepEqual(bare.kept, [0, 2, 3]);
    assert.deepEqual(bare.losses, { before: 0.0625, dropped: 1, refitted: 1 });
    const dataOf = async (path: string) =>
      Object.fromEntries(
        (await readEmbedding(path)).tensors.map(({ name, values }) => [name, [...values]]),
      );
    assert.deepEqual(await dataOf(bare.file), {
      clip_l: [4, -4, 3, -3, 2, -2],
      clip_g: [8, -4, 6, -3, 4, -2],
    });
    const { metadata } = await readEmbedding(bare.file);
    assert.equal(metadata["gnomic.vectors"], "3");
    assert.deepEqual(JSON.parse(metadata["gnomic.pruned"]), { from: 5, kept: [0, 2, 3] });

    said.length = 0;
    const refitted = await run(40, measure, join(folder, "refitted.safetensors"));
    assert.ok(refitted.losses.refitted < 0.9, `${refitted.losses.refitted}`);
    const { clip_l } = await dataOf(refitted.file);
    assert.ok(Math.abs((10 - sumOf(clip_l)) ** 2 - refitted.losses.refitted) < 1e-5);
    // Five ways to leave one out, then four, then the steps.
    assert.deepEqual(said, Array.from({ length: 49 }, (_, i) => [i + 1, 49]));

    const uphill: typeof measure = {
      ...measure,
      gradient: (...asked) =>
        Effect.map(measure.gradient(...asked), ({ grad1, ...rest }) => ({
          ...rest,
          grad1: grad1.map((value) => -value),
        })),
    };
    const kept = await run(11, uphill, join(folder, "uphill.safetensors"));
    assert.equal(kept.losses.refitted, 1, "steps that make it worse are not taken");
    assert.deepEqual(await dataOf(kept.file), await dataOf(bare.file));
  }));

test("more than there are, as many as there are, none: refused before any model is opened", () =>
  withTemporaryFolder(async (folder) => {
    const path = await embedding(folder, [1, 2, 3]);
    for (const to of [3, 4, 0, -1, 1.5, NaN]) {
      await assert.rejects(prunable(path, to), /fewer vectors than the 3.*from 1 to 2/);
    }
  }));
