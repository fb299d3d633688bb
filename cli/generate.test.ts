// Pictures from the command line. The judge is the model itself: an embedding whose rows are those of
// words must draw what the words draw.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Effect } from "effect";
import sharp from "sharp";
import { TokenEmbeddings } from "../engine/text/token-embeddings.ts";
import { loadTokenizer } from "../engine/text/tokenizer.ts";
import { openModel } from "../engine/weights/model.ts";
import { writeSafetensors } from "../lib/safetensors/safetensors.ts";
import { convertEmbedding } from "../inversion/embedding/convert-embedding.ts";
import { withTemporaryFolder } from "../runtime/testing/temporary-folder.ts";
import { UsageFault } from "./command.ts";
import { generateCommand } from "./generate.ts";

const tiny = fileURLToPath(new URL("../sample_data/tiny-sdxl", import.meta.url));

const command = (prompt: string, options: Record<string, unknown>) => {
  const lines: string[] = [];
  const quick = { steps: 3, size: 64, sampler: "euler", provider: "cpu", ...options };
  const print = (line: string) => void lines.push(line);
  return Effect.as(generateCommand.run([prompt], quick, { print }), lines);
};
const draw = async (prompt: string, options: Record<string, unknown>): Promise<string[]> => {
  const [line] = await Effect.runPromise(command(prompt, { ...options, json: true }));
  return JSON.parse(line).map(({ path }: { path: string }) => path);
};
const refusal = (prompt: string, options: Record<string, unknown>) =>
  Effect.runPromise(Effect.flip(command(prompt, options)));

const bytesOf = async (paths: Promise<string[]>): Promise<string[]> =>
  (await paths).map((path) => readFileSync(path).toString("hex"));

/** An embedding file whose rows are the model's own for `words`. */
async function fileOfWords(
  path: string,
  words: readonly string[],
  metadata: Record<string, string> = {},
): Promise<string> {
  const model = await openModel(tiny);
  const name = "text_model.embeddings.token_embedding.weight";
  const rows = async (encoder: 0 | 1) => {
    const weights = encoder === 0 ? model.weights.textEncoder : model.weights.textEncoder2;
    const table = new TokenEmbeddings(weights.get(name)!);
    const { tokenId } = loadTokenizer(model.tokenizers[encoder]);
    const all = await Promise.all(words.map((word) => table.row(tokenId(word)!)));
    const data = Float32Array.from(all.flatMap((row) => [...row]));
    return { dtype: "F32" as const, shape: [words.length, table.width], data };
  };
  const tensors = new Map([["clip_l", await rows(0)], ["clip_g", await rows(1)]]);
  await writeSafetensors(path, tensors, metadata);
  return path;
}

/** As a training writes it; pooled at the end token, so that a word and its row are the same. */
const trained = (trigger: string) => ({
  "gnomic.base_model": tiny,
  "gnomic.trigger": trigger,
  "gnomic.configuration": JSON.stringify({
    pooling: "end_token",
    hf_variant: null,
    weight_dtype: "float32",
    data_loader: { resolution: [64, 72] },
    another_key: 1,
  }),
});

test("embeddings draw what their words draw: several, of several vectors, in each form of file", () =>
  withTemporaryFolder(async (out) => {
    const a = await fileOfWords(join(out, "a.safetensors"), ["red", "gnome"], trained("zq_gnome"));
    const b = await fileOfWords(join(out, "zq_cat.safetensors"), ["cat"], trained("other"));
    const words = await bytesOf(
      draw("a photo of red gnome and cat", { model: tiny, negative: "cat", out }),
    );
    const prompt = "a photo of ZQ_gnome and zq_cat";
    const options = { negative: "zq_cat", out, size: "64x64" };
    assert.deepEqual(await bytesOf(draw(prompt, { ...options, embedding: [a, b] })), words);
    // The other order, diffusers' pair, and a word of the user's.
    await convertEmbedding(a, { out: join(out, "pair") });
    const given = [`my_thing=${b}`, join(out, "pair")];
    const renamed = { ...options, negative: "my_thing", embedding: given };
    assert.deepEqual(
      await bytesOf(draw("a photo of zq_gnome and my_thing", renamed)),
      words,
    );
    const others = await bytesOf(draw("a photo of cat and red gnome", { model: tiny, out }));
    assert.notDeepEqual(others, words);
  }));

test("the same request gives the same files; seeds and numbers give other pictures", () =>
  withTemporaryFolder(async (out) => {
    const first = await draw("a gnome", { model: tiny, out, count: 2, sampler: "ddpm" });
    const bytes = first.map((path) => readFileSync(path).toString("hex"));
    const again = await draw("a gnome", { model: tiny, out, count: 2, sampler: "ddpm" });
    assert.deepEqual(again, first);
    assert.deepEqual(again.map((path) => readFileSync(path).toString("hex")), bytes);
    const one = await draw("a gnome", { model: tiny, out, seed: 1, sampler: "ddpm" });
    assert.equal(readdirSync(out).length, 3);
    assert.equal(new Set([...bytes, readFileSync(one[0]).toString("hex")]).size, 3);
  }));

test("the size of the training, pictures without metadata, and a line for each", () =>
  withTemporaryFolder(async (out) => {
    const file = await fileOfWords(join(out, "a.safetensors"), ["gnome"], trained("zq_gnome"));
    const options = { embedding: file, out, size: undefined };
    const [line] = await Effect.runPromise(command("zq_gnome", options));
    assert.match(line, /zq_gnome-[0-9a-f]{8}-0000\.png \(72 x 64\)$/);
    const [jpg] = await draw("zq_gnome", { ...options, format: "jpg", size: "80x64" });
    for (
      const [path, format, width] of [[line.split(" (")[0], "png", 72], [jpg, "jpeg", 80]] as const
    ) {
      const found = await sharp(path).metadata();
      assert.deepEqual([found.format, found.width, found.height], [format, width, 64]);
      assert.deepEqual([found.exif, found.icc, found.xmp, found.iptc, found.comments], [
        undefined,
        undefined,
        undefined,
        undefined,
        undefined,
      ]);
    }
  }));

test("what would give an ordinary or a black picture is refused", () =>
  withTemporaryFolder(async (out) => {
    const file = await fileOfWords(join(out, "cat.safetensors"), ["cat"], trained("cat"));
    const unnamed = await refusal("a photo of a gnome", { embedding: file, out });
    assert.match(unnamed.message, /wanted a prompt that names it: cat/);
    assert.match(
      (await refusal("a cat", { embedding: file, out })).message,
      /found "cat"\. Call it otherwise: --embedding my_word=FILE/,
    );
    const twice = { embedding: [`zq=${file}`, `zq=${file}`], out };
    assert.match((await refusal("a zq", twice)).message, /each once, found "zq"/);
    assert.match(
      (await refusal("a zq", { embedding: `zq=${file}`, out, size: "100x64" })).message,
      /^--size: .* found height 64, width 100\. The nearest is height 64, width 104/,
    );
    const nan = join(out, "zq_nan.safetensors");
    const rows = (width: number) => ({
      dtype: "F32" as const,
      shape: [1, width],
      data: new Float32Array(width).fill(NaN),
    });
    await writeSafetensors(nan, new Map([["clip_l", rows(64)], ["clip_g", rows(96)]]));
    assert.match((await refusal("zq_nan", { embedding: nan, out })).message, /come out black/);
    const wide = join(out, "zq_wide.safetensors");
    const zeros = (width: number) => ({ ...rows(width), data: new Float32Array(width) });
    await writeSafetensors(wide, new Map([["clip_l", zeros(768)], ["clip_g", zeros(1280)]]));
    assert.match(
      (await refusal("zq_wide", { embedding: wide, model: tiny, out })).message,
      /rows of widths 64 and 96, .* found 768 and 1280/,
    );
    const missing = await refusal("x", { embedding: join(out, "missing.safetensors"), out });
    assert.equal(missing.kind, "user");
  }));

test("a UNet's file takes the rest from the model that it is made for, the VAE from where it is told", () =>
  withTemporaryFolder(async (folder) => {
    const out = join(folder, "out");
    const options = {
      embedding: await fileOfWords(join(folder, "zq_a.safetensors"), ["red"]),
      out,
    };
    const model = join(tiny, "unet", "diffusion_pytorch_model.safetensors");
    assert.match((await refusal("zq_a", { ...options, model })).message, /no text_encoder/);
    const parts = { ...options, model, modelConfig: tiny };
    const [whole, alone, other] = [
      await draw("zq_a", { ...options, model: tiny }),
      await draw("zq_a", parts),
      await draw("zq_a", { ...parts, vae: join(tiny, "vae") }),
    ].map(([path]) => readFileSync(path).toString("hex"));
    assert.equal(alone, whole);
    assert.equal(other, whole);
    const message = (await refusal("zq_a", { ...parts, vae: join(tiny, "unet") })).message;
    assert.match(message, /a VAE of SDXL/);
  }));

test("embeddings of different models have to be told which one", () =>
  withTemporaryFolder(async (out) => {
    const a = await fileOfWords(join(out, "zq_a.safetensors"), ["cat"], trained("zq_a"));
    const other = { ...trained("zq_b"), "gnomic.base_model": "someone/else" };
    const b = await fileOfWords(join(out, "zq_b.safetensors"), ["cat"], other);
    const options = { embedding: [a, b], out };
    assert.match((await refusal("zq_a zq_b", options)).message, /--model/);
    assert.equal((await draw("zq_a zq_b", { ...options, model: tiny })).length, 1);
  }));

test("as a program draws: the word's own picture where it pools at the end token, another where not", () =>
  withTemporaryFolder(async (out) => {
    const embedding = await fileOfWords(join(out, "a.safetensors"), ["gnome"], trained("zq_gnome"));
    const drawn = (prompt: string, as: string) =>
      bytesOf(
        draw(prompt, { model: tiny, embedding: prompt === "a gnome" ? [] : embedding, as, out }),
      );
    const file = (as: string) => drawn("a zq_gnome", as);
    const word = await drawn("a gnome", "a1111");
    assert.deepEqual(await drawn("a gnome", "invokeai"), word, "no placeholder, no difference");
    for (const program of ["a1111", "forge"]) assert.deepEqual(await file(program), word, program);
    const placed = await file("invokeai");
    assert.notDeepEqual(placed, word);
    assert.deepEqual(await file("diffusers"), placed);
    // It takes an empty text where the others take zeros.
    const comfy = await drawn("a gnome", "comfyui");
    assert.notDeepEqual(comfy, word);
    assert.deepEqual(await file("comfyui"), comfy);
    assert.match((await refusal("a gnome", { as: "fooocus", out })).message, /--as .*fooocus/);
  }));

test("all that is wrong with the options is said at once", async () => {
  const bad = { steps: 0, sampler: "foo", size: "9x", seed: -1, count: 1.5, guidance: "x" };
  const fault = await refusal("x", bad);
  assert.ok(fault instanceof UsageFault);
  for (const key of Object.keys(bad)) assert.match(fault.message, new RegExp(`--${key} `));
});
