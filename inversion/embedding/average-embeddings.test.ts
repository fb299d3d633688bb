// The mean against one worked out by hand, in any order of the files; what must not be averaged is refused
// with the file and the fact, and nothing is written.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { readSafetensors, writeSafetensors } from "../../lib/safetensors/safetensors.ts";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { averageEmbeddings } from "./average-embeddings.ts";
import { readEmbedding } from "./embedding-file.ts";

const about = { "gnomic.base_model": "m", "gnomic.configuration": '{"initializer_token":"gnome"}' };

async function write(
  path: string,
  [l, g]: readonly [number[], number[]],
  { vectors = 2, metadata = about }: { vectors?: number; metadata?: Record<string, string> } = {},
): Promise<string> {
  const half = (values: number[]) => ({
    dtype: "F32" as const,
    shape: [vectors, values.length / vectors],
    data: Float32Array.from(values),
  });
  await writeSafetensors(path, new Map([["clip_l", half(l)], ["clip_g", half(g)]]), metadata);
  return path;
}

test("the mean of several files, the same bytes in any order", () =>
  withTemporaryFolder(async (folder) => {
    const of = (seed: number, step: number) => ({
      metadata: {
        ...about,
        "gnomic.configuration": JSON.stringify({ initializer_token: "gnome", seed }),
        ...{ "gnomic.step": `${step}`, "gnomic.epoch": "2" },
      },
    });
    const a = await write(join(folder, "a.safetensors"), [[1, 2], [0.1, -4, 3, 8]], of(1, 10));
    const b = await write(join(folder, "b.safetensors"), [[3, 2], [0.2, 4, 3, 0]], of(2, 20));
    const c = await write(join(folder, "c.safetensors"), [[8, 5], [0.3, 3, 0, 1]], of(3, 30));
    const one = await averageEmbeddings([a, b, c], join(folder, "one.safetensors"));
    const other = await averageEmbeddings([c, a, b], join(folder, "other.safetensors"));
    assert.equal(one.files, 3);
    const tensors = await readSafetensors(one.file);
    assert.deepEqual([...tensors.get("clip_l")!.data as Float32Array], [4, 3]);
    assert.deepEqual(
      [...tensors.get("clip_g")!.data as Float32Array],
      [0.2, 1, 2, 3].map(Math.fround),
    );
    assert.deepEqual(readFileSync(one.file), readFileSync(other.file));
    const { metadata } = await readEmbedding(one.file);
    assert.deepEqual([metadata["gnomic.step"], metadata["gnomic.epoch"]], [undefined, "2"]);
  }));

test("other widths, numbers, models and starts are refused, and nothing is written", () =>
  withTemporaryFolder(async (folder) => {
    const file = (name: string) => join(folder, `${name}.safetensors`);
    const a = await write(file("a"), [[1, 2], [1, 2, 3, 4]]);
    const others: [string, RegExp][] = [
      [
        await write(file("wide"), [[1, 2, 3, 4], [1, 2, 3, 4]]),
        /wide.*widths.*1 and 2.*found 2 and 2/,
      ],
      [await write(file("one"), [[1], [1, 2]], { vectors: 1 }), /one.*vectors.*2 and 2.*found 1/],
      [
        await write(file("model"), [[1, 2], [1, 2, 3, 4]], {
          metadata: { ...about, "gnomic.base_model": "n" },
        }),
        /model.*: m, found n/,
      ],
      [
        await write(file("start"), [[1, 2], [1, 2, 3, 4]], {
          metadata: { ...about, "gnomic.configuration": '{"initializer_token":"cat"}' },
        }),
        /start.*"gnome".*found.*"cat"/,
      ],
    ];
    const out = file("out");
    for (const [other, message] of others) {
      await assert.rejects(averageEmbeddings([a, other], out), message);
    }
    await assert.rejects(averageEmbeddings([a], out), /two or more/);
    await assert.rejects(averageEmbeddings([a, a], out), /each file once, found it twice/);
    assert.equal(existsSync(out), false);
  }));
