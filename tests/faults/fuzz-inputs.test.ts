// Every reader of what a user hands in, given damaged files with fixed seeds: data sets, configurations,
// tokenizers, models' configs, weights, archives, embeddings, sweeps. Each ends with a value or a fault that is
// the user's or the world's, soon, and in less than 1 GB.
import assert from "node:assert/strict";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { Effect } from "effect";
import sharp from "sharp";
import { findings, least } from "../../config/testing/read.ts";
import { loadTokenizer } from "../../engine/text/tokenizer.ts";
import { tokenizerFiles } from "../../engine/text/tokenizer-files.ts";
import { openModel } from "../../engine/weights/model.ts";
import { averageEmbeddings } from "../../inversion/embedding/average-embeddings.ts";
import { checkEmbedding } from "../../inversion/embedding/check-embedding.ts";
import { convertEmbedding } from "../../inversion/embedding/convert-embedding.ts";
import { loadEmbedding } from "../../inversion/generate/load-embedding.ts";
import { loadPipeline } from "../../runtime/pipeline/load-pipeline.ts";
import { trainingApp } from "../../inversion/app.ts";
import type { Fault } from "../../lib/fault.ts";
import { writeSafetensors } from "../../lib/safetensors/safetensors.ts";
import { exportRun } from "../../runtime/runs/export-run.ts";
import { importRun } from "../../runtime/runs/import-run.ts";
import { surveyRun } from "../../runtime/runs/survey.ts";
import { makeRun } from "../../runtime/testing/make-run.ts";
import { memoryTools } from "../../runtime/testing/memory-tools.ts";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { listed } from "../../stages/ingest/ingest-dataset.ts";
import { ingestPicture } from "../../stages/ingest/ingest-picture.ts";
import { readDefinition } from "../../sweep/definition.ts";
import { root, smallTraining } from "../end-to-end/project.ts";
import { damaged, oddValue, outcomeOf } from "./damage.ts";

const skip = process.env.GNOMIC_FAULTS === "1" ? false : "only in `deno task test:faults`";
const casesEach = 250;
const run = <A>(work: Effect.Effect<A, Fault>) => Effect.runPromise(work);

interface Reader {
  readonly name: string;
  /** Makes what it reads and gives the file that is damaged. */
  readonly prepare: (folder: string) => Promise<string> | string;
  readonly read: (folder: string, file: string) => Promise<unknown>;
  /** What it holds as JSON, whose values are damaged too; and back. */
  readonly json?: {
    readonly parse: (text: string) => unknown;
    readonly text: (json: unknown) => string;
  };
  readonly cases?: number;
}

const asJson = {
  parse: (text: string) => JSON.parse(text),
  text: (json: unknown) => JSON.stringify(json),
};
const asLines = {
  parse: (text: string) => text.trim().split("\n").map((line) => JSON.parse(line)),
  text: (json: unknown) =>
    Array.isArray(json) ? json.map((line) => JSON.stringify(line)).join("\n") : "",
};
const photo = (n: number) => join(root, "sample_data", "tiny-bruce", "train", `00${n}.jpg`);
const write = (file: string, content: string | Uint8Array) => {
  writeFileSync(file, content);
  return file;
};
/** A sound listing's texts are texts, whatever the file was. */
async function listing(dataset: object): Promise<unknown> {
  const found = await run(listed(dataset as never, { offline: true, masks: true }));
  for (const { caption, name } of found.sources) {
    assert.ok(caption === null || typeof caption === "string");
    assert.equal(typeof name, "string");
  }
  for (const { kind, message } of found.faults) assert.equal(kind, "user", message);
  return found;
}

const tables = (name: string, content: string) => ({
  prepare: (folder: string) => {
    for (const n of [1, 2, 3]) cpSync(photo(n), join(folder, `${n}.jpg`));
    return write(join(folder, name), content);
  },
  read: (folder: string) =>
    listing({
      type: "HF_HUB_IMAGE_CAPTION_DATASET",
      dataset_name: folder,
      image_column: "image",
      caption_column: "text",
      hf_cache_dir: null,
    }),
});

const picture = (kind: "jpeg" | "png" | "tiff" | "webp"): Reader => ({
  name: `a picture, ${kind}`,
  cases: 120,
  prepare: async (folder) => {
    const small = sharp(photo(1)).resize(24, 24);
    return write(join(folder, `a.${kind}`), await small.toFormat(kind).toBuffer());
  },
  read: (_, file) => {
    const source = {
      file,
      name: "a",
      caption: null,
      mask: null,
      read: () => Promise.resolve(new Uint8Array(readFileSync(file))),
    };
    const views = {
      resolution: 16,
      aspect_ratio_buckets: null,
      center_crop: true,
      crops_per_image: 1,
      random_flip: false,
      crop_left_after_flip: "mirrored",
      time_ids_target_size: "resolution",
    };
    const rules = { maxPixels: 1e6, upright: true };
    return run(ingestPicture(source as never, rules, views as never, memoryTools()));
  },
});

const golden = join(root, "tests/golden/b/model");
const modelPart = (name: string, file: string): Reader => ({
  name: `a model's ${name}`,
  cases: 150,
  prepare: (folder) => {
    cpSync(golden, folder, { recursive: true });
    return join(folder, file);
  },
  read: (folder) => openModel(folder, { convert: false }),
  ...(file.endsWith(".json") ? { json: asJson } : {}),
});

const yamlOf = (name: string, text: string, read: Reader["read"]): Reader => ({
  name,
  prepare: (folder) => write(join(folder, "a.yaml"), text),
  read,
});

const embedding = async (folder: string) => {
  const rows = (width: number) => ({
    dtype: "F32" as const,
    shape: [2, width],
    data: Float32Array.from({ length: 2 * width }, (_, i) => Math.sin(i)),
  });
  const file = join(folder, "gnome.safetensors");
  const tensors = new Map([["clip_l", rows(768)], ["clip_g", rows(1280)]]);
  await writeSafetensors(file, tensors, { "gnomic.placeholder": "gnome" });
  cpSync(file, join(folder, "other.safetensors"));
  return file;
};

const sweepText = readFileSync(join(root, "sweeps", readdirSync(join(root, "sweeps"))[0]), "utf8");

const readers: readonly Reader[] = [
  {
    name: "JSON lines",
    prepare: (folder) => {
      cpSync(photo(1), join(folder, "1.jpg"));
      const line = (text: string) => ({ image: "1.jpg", text, mask: "1.jpg" });
      return write(
        join(folder, "a.jsonl"),
        asLines.text(["a", "b c", "gr\u00f6\u00dfe"].map(line)),
      );
    },
    read: (_, file) =>
      listing({
        type: "IMAGE_CAPTION_JSONL_DATASET",
        jsonl_path: file,
        image_column: "image",
        caption_column: "text",
        mask_column: "mask",
        allow_outside_paths: false,
      }),
    json: asLines,
  },
  {
    name: "CSV",
    ...tables("metadata.csv", 'image,text\n1.jpg,"a, b"\n2.jpg,c\n3.jpg,"d ""e"""\n'),
  },
  {
    name: "a table of JSON lines",
    ...tables(
      "metadata.jsonl",
      asLines.text([1, 2].map((n) => ({ image: `${n}.jpg`, text: "a" }))),
    ),
    json: asLines,
  },
  ...["snappy", "zstd_v2", "delta_v2", "lz4"].map((name): Reader => ({
    name: `Parquet, ${name}`,
    cases: 150,
    prepare: (folder) => {
      mkdirSync(join(folder, "data"));
      const from = join(root, "stages/ingest/dataset/parquet/fixtures", `${name}.parquet`);
      return write(join(folder, "data", "train.parquet"), readFileSync(from));
    },
    read: tables("", "").read,
  })),
  {
    name: "captions",
    prepare: (folder) => {
      cpSync(photo(1), join(folder, "a.jpg"));
      return write(join(folder, "a.txt"), "a gnome, gr\u00f6\u00dfer \u5c0f\u4eba\n");
    },
    read: (folder) => listing({ type: "IMAGE_CAPTION_DIR_DATASET", dataset_dir: folder }),
  },
  ...(["jpeg", "png", "tiff", "webp"] as const).map(picture),
  yamlOf("a configuration", least, async (_, file) => {
    const found = await findings({ file });
    for (const { wanted, fix } of found) assert.ok(wanted.length > 0 && fix.length > 0);
    return found;
  }),
  {
    name: "a configuration's values",
    // JSON is YAML.
    prepare: (folder) => write(join(folder, "a.yaml"), JSON.stringify(smallTraining)),
    read: (_, file) => findings({ file }),
    json: asJson,
  },
  yamlOf(
    "a pipeline",
    readFileSync(join(root, "pipelines/sdxl-ti.yaml"), "utf8"),
    (_, file) => run(Effect.flatMap(loadPipeline(file, trainingApp()), ({ steps }) => steps)),
  ),
  yamlOf(
    "a sweep",
    sweepText,
    (_, file) => run(readDefinition(readFileSync(file, "utf8"), file, null)),
  ),
  {
    name: "a tokenizer's vocabulary",
    cases: 120,
    prepare: (folder) => {
      cpSync(join(golden, "tokenizer"), folder, { recursive: true });
      return join(folder, "vocab.json");
    },
    read: (folder) =>
      Promise.resolve().then(() => loadTokenizer(tokenizerFiles(folder)!).encode("a gnome's hat")),
    json: asJson,
  },
  {
    name: "tokenizer.json",
    prepare: (folder) =>
      write(
        join(folder, "tokenizer.json"),
        JSON.stringify({
          model: {
            type: "BPE",
            vocab: {
              "<|startoftext|>": 0,
              "<|endoftext|>": 1,
              a: 2,
              "a</w>": 3,
              b: 4,
              "ab</w>": 5,
            },
            merges: ["a b</w>"],
            unk_token: "<|endoftext|>",
            end_of_word_suffix: "</w>",
          },
          added_tokens: [
            { id: 0, content: "<|startoftext|>", special: true, normalized: false },
            { id: 1, content: "<|endoftext|>", special: true, normalized: false },
          ],
          normalizer: { type: "Sequence", normalizers: [{ type: "NFC" }, { type: "Lowercase" }] },
          pre_tokenizer: {
            type: "Sequence",
            pretokenizers: [{
              type: "Split",
              pattern: { Regex: "'s|[\\p{L}]+|[\\p{N}]" },
              behavior: "Removed",
              invert: true,
            }, { type: "ByteLevel", add_prefix_space: false }],
          },
          decoder: { type: "ByteLevel" },
          post_processor: {
            type: "RobertaProcessing",
            sep: ["<|endoftext|>", 1],
            cls: ["<|startoftext|>", 0],
          },
        }),
      ),
    read: (folder) =>
      Promise.resolve().then(() => loadTokenizer(tokenizerFiles(folder)!).encode("ab a aaaa's")),
    json: asJson,
  },
  modelPart("configuration of the UNet", "unet/config.json"),
  modelPart("configuration of a text encoder", "text_encoder_2/config.json"),
  modelPart("configuration of the VAE", "vae/config.json"),
  modelPart("scheduler", "scheduler/scheduler_config.json"),
  modelPart("weights", "vae/diffusion_pytorch_model.fp16.safetensors"),
  {
    name: "an archive of a run",
    cases: 150,
    prepare: async (folder) => {
      const dir = await makeRun(join(folder, "from"), {
        name: "run",
        step: 3,
        rows: ["a"],
        latents: "l",
      });
      await run(
        Effect.flatMap(surveyRun(dir), (found) => exportRun(found, join(folder, "run.tar"))),
      );
      return join(folder, "run.tar");
    },
    read: async (folder, file) => {
      const to = join(folder, "to");
      rmSync(to, { recursive: true, force: true });
      return await run(importRun(file, to));
    },
  },
  {
    name: "an embedding",
    cases: 120,
    prepare: embedding,
    read: async (folder, file) => {
      const out = join(folder, "out");
      rmSync(out, { recursive: true, force: true });
      mkdirSync(out);
      const read = [
        () => checkEmbedding(file),
        () => loadEmbedding(file),
        () => convertEmbedding(file, { out: join(out, "pair") }),
        () =>
          averageEmbeddings([file, join(folder, "other.safetensors")], join(out, "a.safetensors")),
      ];
      for (const one of read.slice(1)) {
        const outcome = await outcomeOf(one);
        if ("fault" in outcome) {
          assert.notEqual(outcome.fault.kind, "defect", outcome.fault.message);
        }
      }
      return await read[0]();
    },
  },
];

for (const [number, { name, prepare, read, json, cases = casesEach }] of readers.entries()) {
  test(
    `${name}: ${cases} kinds of damage`,
    { skip, timeout: 900_000 },
    () =>
      withTemporaryFolder(async (base) => {
        const folder = join(base, "made");
        mkdirSync(folder);
        const file = await prepare(folder);
        const whole = Uint8Array.from(readFileSync(file));
        const unharmed = await outcomeOf(() => read(folder, file));
        assert.ok("value" in unharmed, `unharmed it is read: ${JSON.stringify(unharmed)}`);
        const value = json?.parse(new TextDecoder().decode(whole));
        for (let seed = 0; seed < cases; seed++) {
          const drawn = number * 10_000 + seed;
          const text = json !== undefined && seed % 2 === 0
            ? json.text(oddValue(value, drawn))
            : damaged(whole, drawn);
          writeFileSync(file, text);
          const outcome = await outcomeOf(() => read(folder, file));
          if ("fault" in outcome) {
            const { kind, message, cause } = outcome.fault;
            const stack = (cause as Error)?.stack ?? outcome.fault.stack;
            assert.notEqual(kind, "defect", `case ${seed}: ${message}\n${stack}`);
            assert.ok(message.length < 20_000, `case ${seed}: ${message.length} letters are said`);
          }
        }
        assert.ok(process.memoryUsage.rss() < 1 << 30, "under 1 GB");
      }),
  );
}
