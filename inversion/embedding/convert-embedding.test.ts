import assert from "node:assert/strict";
import fc from "fast-check";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import {
  readSafetensors,
  type TensorToWrite,
  writeSafetensors,
} from "../../lib/safetensors/safetensors.ts";
import { convertEmbedding, toCanonical, toDiffusersPair } from "./convert-embedding.ts";
import { EmbeddingFileFault } from "./embedding-file.ts";

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "gnomic-convert-"));
  try {
    await run(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

const rows = (n: number, width: number, dtype: TensorToWrite["dtype"] = "F32"): TensorToWrite => ({
  dtype,
  shape: [n, width],
  data: Float32Array.from({ length: n * width }, (_, i) => Math.fround(((i * 37) % 101 - 50) / 64)),
});

test("one file to diffusers' pair and back gives the same bytes", () =>
  inFolder((folder) =>
    fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5 }),
        fc.constantFrom("F32" as const, "F16" as const, "BF16" as const),
        fc.constantFrom<Record<string, string>>({}, { "gnomic.trigger": "bruce_x", note: "ä\n" }),
        async (n, dtype, metadata) => {
          const home = await mkdtemp(join(folder, "case-"));
          const file = join(home, "bruce_x.safetensors");
          await writeSafetensors(
            file,
            new Map([["clip_l", rows(n, 12, dtype)], ["clip_g", rows(n, 20, dtype)]]),
            metadata,
          );
          const before = await readFile(file);
          const pair = await convertEmbedding(file);
          assert.equal(pair.token, "bruce_x");
          const read = await Promise.all(pair.files.map(readSafetensors));
          assert.deepEqual(read.map((half) => [...half.keys()]), [["bruce_x"], ["bruce_x"]]);
          assert.deepEqual(read.map((half) => half.get("bruce_x")!.shape), [[n, 12], [n, 20]]);

          await rm(file);
          const moved = join(home, "elsewhere");
          await rename(join(home, "bruce_x-diffusers"), moved);
          const back = await convertEmbedding(
            moved,
            metadata["gnomic.trigger"] ? {} : { token: "bruce_x" },
          );
          assert.deepEqual(back.files, [file]);
          assert.ok(before.equals(await readFile(file)));
          assert.deepEqual(
            await convertEmbedding(join(moved, "learned_embeds_2.safetensors"), { out: file }),
            back,
          );
        },
      ),
      { numRuns: 12 },
    )
  ));

test("halves are told by width, names and 1-D rows as other trainers write them", () =>
  inFolder(async (folder) => {
    const one = (width: number, value: number): TensorToWrite => ({
      dtype: "F32",
      shape: [width],
      data: new Float32Array(width).fill(value),
    });
    const names = ["<x>", "<x>_1", "<x>_2"];
    const half = (width: number) =>
      new Map(names.map((name, i) => [name, one(width, i + 1)] as const));
    await writeSafetensors(join(folder, "x.safetensors"), half(20));
    await writeSafetensors(join(folder, "x_2.safetensors"), half(12));
    const { files, token } = await convertEmbedding(join(folder, "x.safetensors"), {
      out: join(folder, "made.safetensors"),
    });
    assert.equal(token, "made");
    const made = await readSafetensors(files[0]);
    assert.deepEqual(made.get("clip_l")!.shape, [3, 12]);
    assert.deepEqual(made.get("clip_g")!.shape, [3, 20]);
    assert.deepEqual([...made.get("clip_l")!.data].filter((_, i) => i % 12 === 0), [1, 2, 3]);
  }));

test("a checkpoint's halves, as diffusers' example names them, from either", () =>
  inFolder(async (folder) => {
    const [first, second] = ["", "_2"].map((half) =>
      join(folder, `learned_embeds${half}-steps-100.safetensors`)
    );
    await writeSafetensors(first, new Map([["<x>", rows(2, 12)]]));
    await writeSafetensors(second, new Map([["<x>", rows(2, 20)]]));
    const out = join(folder, "made.safetensors");
    const made = await toCanonical(first, { out });
    const tensors = await readSafetensors(made.files[0]);
    assert.deepEqual(tensors.get("clip_l")!.shape, [2, 12]);
    assert.deepEqual(tensors.get("clip_g")!.shape, [2, 20]);
    assert.deepEqual(await toCanonical(second, { out }), made);
  }));

test("float64 and 8-bit rows become float32; the token can be given", () =>
  inFolder(async (folder) => {
    const file = join(folder, "x.safetensors");
    const data = Float64Array.from([0.5, -2]);
    await writeSafetensors(
      file,
      new Map([["clip_l", { dtype: "F64", shape: [1, 2], data }], ["clip_g", rows(1, 3)]]),
    );
    const { files, token } = await toDiffusersPair(file, {
      token: "<gnome>",
      out: join(folder, "pair"),
    });
    assert.equal(token, "<gnome>");
    assert.deepEqual((await readSafetensors(files[0])).get("<gnome>"), {
      dtype: "F32",
      shape: [1, 2],
      data: Float32Array.from([0.5, -2]),
    });
  }));

test("never over another file, never half of something", () =>
  inFolder(async (folder) => {
    const file = join(folder, "x.safetensors");
    await writeSafetensors(file, new Map([["clip_l", rows(2, 12)], ["clip_g", rows(2, 20)]]));
    const { files } = await toDiffusersPair(file);
    assert.deepEqual((await toDiffusersPair(file)).files, files, "the same again is no fault");
    await writeFile(files[1], "mine");
    await assert.rejects(toDiffusersPair(file), (fault) =>
      fault instanceof EmbeddingFileFault && /--out/.test(fault.fix));
    assert.equal(await readFile(files[1], "utf8"), "mine");
    assert.deepEqual((await readdir(join(folder, "x-diffusers"))).length, 2);

    for (const token of ["", " ", "__metadata__"]) {
      await assert.rejects(toDiffusersPair(file, { token, out: join(folder, "p") }), /--token/);
    }
    await assert.rejects(toDiffusersPair(file, { out: file }), {
      kind: "user",
      found: "a file where its folder should be",
    });
    await assert.rejects(
      toCanonical(join(folder, "x-diffusers"), { out: join(folder, "made") }),
      /ends in \.safetensors/,
    );
    await assert.rejects(toCanonical(file), /in that form already/);
    await assert.rejects(toDiffusersPair(files[0]), /Only a file with both/);
    await rm(files[1]);
    await assert.rejects(
      toCanonical(join(folder, "x-diffusers")),
      /found no learned_embeds_2\.safetensors/,
    );
    await writeSafetensors(files[1], new Map([["x", rows(3, 20)]]));
    await assert.rejects(
      toCanonical(join(folder, "x-diffusers")),
      /as many vectors.*\(2\), found 3/,
    );
    const [sd1, twin] = ["sd1.safetensors", "sd1_2.safetensors"].map((name) =>
      join(folder, name)
    );
    await writeSafetensors(sd1, new Map([["emb_params", rows(2, 768)]]));
    await assert.rejects(convertEmbedding(sd1), /found no sd1_2\.safetensors.*SD 1/);
    await writeSafetensors(twin, new Map([["emb_params", rows(2, 768)]]));
    await assert.rejects(convertEmbedding(sd1), /found 768 and 768/);
    const odd = join(folder, "odd");
    await mkdir(odd);
    await writeSafetensors(
      join(odd, "a.safetensors"),
      new Map([["x", rows(1, 4)], ["y", rows(1, 4)]]),
    );
    await writeSafetensors(join(odd, "a_2.safetensors"), new Map([["x", rows(1, 5)]]));
    await assert.rejects(toCanonical(join(odd, "a.safetensors")), /`token_1`/);
  }));
