// Rows of an embedding file, whatever float it holds, and what is said of files that do not fit.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { writeSafetensors } from "../../lib/safetensors/safetensors.ts";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import type { TokenEmbeddings } from "../../engine/text/token-embeddings.ts";
import { rowsOfFile, withRest } from "./initial-rows.ts";

// 1, -2 and 0.5 as IEEE 754 half floats and as bfloat16, written by hand from the standard's tables.
const halves = Uint16Array.of(0x3c00, 0xc000, 0x3800);
const brains = Uint16Array.of(0x3f80, 0xc000, 0x3f00);

const written = async (
  folder: string,
  tensors: Parameters<typeof writeSafetensors>[1],
): Promise<string> => {
  const file = join(folder, "e.safetensors");
  await writeSafetensors(file, tensors, {});
  return file;
};

test("float16 and bfloat16 files give the numbers they stand for; a vector alone is one row", () =>
  withTemporaryFolder(async (folder) => {
    const file = await written(
      folder,
      new Map([
        ["clip_l", { dtype: "F16", shape: [1, 3], data: halves }],
        ["clip_g", { dtype: "BF16", shape: [3], data: brains }],
      ]),
    );
    const [l, g] = await rowsOfFile(file, [3, 3], 1);
    assert.deepEqual([[...l], [...g]], [[1, -2, 0.5], [1, -2, 0.5]]);
  }));

test("the wrong number of vectors, another width, a NaN and a missing encoder each say what to change", () =>
  withTemporaryFolder(async (folder) => {
    const clip = { dtype: "F32", shape: [2, 3], data: new Float32Array(6) } as const;
    const both = await written(folder, new Map([["clip_l", clip], ["clip_g", clip]]));
    await assert.rejects(rowsOfFile(both, [3, 3], 1), /Set num_vectors to 2/);
    await assert.rejects(rowsOfFile(both, [4, 3], 2), /made for a model/s);
    const nan = { ...clip, data: Float32Array.of(1, 2, 3, 4, NaN, 6) };
    const spoilt = await written(folder, new Map([["clip_l", clip], ["clip_g", nan]]));
    await assert.rejects(rowsOfFile(spoilt, [3, 3], 2), /clip_g.*NaN or infinity/s);
    const single = await written(folder, new Map([["clip_l", clip]]));
    await assert.rejects(rowsOfFile(single, [3, 3], 2), /clip_g.*no such tensor/s);
  }));

test("the rows after the first: the word again, the vocabulary's mean, or the end's row", async () => {
  /** Five words whose rows count up, in blocks of two. */
  const vocabulary = (width: number, first: number) => {
    const row = (id: number) => Float32Array.from({ length: width }, (_, i) => first + 10 * id + i);
    return {
      vocabularySize: 5,
      width,
      row: (id: number) => Promise.resolve(row(id)),
      async *blocks() {
        for (const ids of [[0, 1], [2, 3], [4]]) {
          yield { first: ids[0], values: Float32Array.from(ids.flatMap((id) => [...row(id)])) };
        }
      },
    } as unknown as TokenEmbeddings;
  };
  const tokens = [vocabulary(2, 0), vocabulary(3, 100)] as const;
  const rows = [Float64Array.of(7, 8, 7, 8, 7, 8), Float64Array.of(1, 2, 3, 1, 2, 3)] as const;
  const begun = (rest: Parameters<typeof withRest>[1]) => withRest(rows, rest, tokens, [4, 1]);
  assert.equal(await begun("repeat"), rows);
  assert.deepEqual(await begun("mean"), [
    Float64Array.of(7, 8, 20, 21, 20, 21),
    Float64Array.of(1, 2, 3, 120, 121, 122),
  ]);
  assert.deepEqual(await begun("end"), [
    Float64Array.of(7, 8, 40, 41, 40, 41),
    Float64Array.of(1, 2, 3, 110, 111, 112),
  ]);
});
