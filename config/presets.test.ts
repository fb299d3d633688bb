// Every preset and the sample pipeline read without a finding; the tutorial's presets set what the
// reference's files set.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { parseSource, within } from "../lib/source.ts";
import { captionTemplates } from "./caption-templates.ts";
import { read, reference } from "./testing/read.ts";

const presets = readdirSync("config/presets").filter((name) => name.endsWith(".yaml"));
const pipelines = readdirSync("pipelines").filter((name) => name.endsWith(".yaml"));

const preset = async (name: string) => (await read({ file: `config/presets/${name}` })).config;

const fast = ["24gb-fast", "16gb-fast", "12gb-fast", "8gb-fast"];

test("a fast preset is its sister in 400 to 600 steps, at a rate in units of the vocabulary", async () => {
  for (const name of fast) {
    const [mine, slow] = [
      await preset(`gnome-${name}.yaml`),
      await preset(`gnome-${name.replace("-fast", "")}.yaml`),
    ];
    assert.ok(mine.max_train_steps! >= 400 && mine.max_train_steps! <= 600, name);
    assert.ok(mine.max_train_steps! * 3 <= slow.max_train_steps!, name);
    const { optimizer } = mine;
    assert.ok("learning_rate_unit" in optimizer && optimizer.learning_rate_unit === "vocabulary");
    const alike = (config: typeof mine) => ({
      card: [config.weight_dtype, config.memory_plan, config.train_batch_size, config.vae_model],
      data: config.data_loader,
      prompts: [config.validation_prompts, config.num_validation_images_per_prompt],
      rows: [config.placeholder_token, config.initializer_token, config.num_vectors],
    });
    assert.deepEqual(alike(mine), alike(slow), name);
    const text = readFileSync(`config/presets/gnome-${name}.yaml`, "utf8");
    assert.match(text, /Untested on the real model/);
    assert.match(text, /arXiv 2512\.13672/);
  }
});

test("there are presets for the cards of the README", () => {
  for (const size of ["24gb", "masks-24gb", "16gb", "12gb", "8gb", "cpu"].concat(fast)) {
    assert.ok(presets.includes(`gnome-${size}.yaml`), size);
  }
});

for (const name of presets) {
  test(`${name} is a whole configuration without remarks`, async () => {
    const { config, notes } = await read({
      file: `config/presets/${name}`,
      pipeline: parseSource("max_train_epochs: 3\nnonsense: 1\n", "never used"),
    });
    assert.deepEqual(notes, []);
    assert.ok(config.validation_prompts.every((each) => each.includes(config.placeholder_token)));
    const { dataset } = config.data_loader;
    const path = "dataset_dir" in dataset
      ? dataset.dataset_dir
      : "jsonl_path" in dataset
      ? dataset.jsonl_path
      : "";
    assert.ok(existsSync(path), path);
  });
}

for (
  const path of [
    ...presets.map((name) => join("config/presets", name)),
    ...pipelines.map((name) => join("pipelines", name)),
  ]
) {
  test(`${path} points editors at its schema`, () => {
    const [first] = readFileSync(path, "utf8").split("\n");
    const schema = /^# yaml-language-server: \$schema=(\S+)$/.exec(first)?.[1];
    assert.ok(schema !== undefined && existsSync(join(dirname(path), schema)), first);
  });
}

test("the tutorial's presets train as the reference's files do", async () => {
  const pairs = [
    ["gnome-24gb.yaml", "sdxl_textual_inversion_gnome_1x24gb.yaml"],
    ["gnome-masks-24gb.yaml", "sdxl_textual_inversion_masks_gnome_1x24gb.yaml"],
  ];
  for (const [mine, theirs] of pairs) {
    const a = await preset(mine);
    const { config: b } = await read({ file: reference(theirs) });
    const pick = (config: typeof a) => ({
      seed: config.seed,
      optimizer: config.optimizer,
      rate: [config.lr_scheduler, config.lr_warmup_steps, config.max_train_steps],
      batch: [config.train_batch_size, config.gradient_accumulation_steps],
      rows: [config.placeholder_token, config.initializer_token, config.num_vectors],
      data: { ...config.data_loader, dataset: null, dataloader_num_workers: 0 },
      masks: config.use_masks,
      model: config.model,
      dtype: config.weight_dtype,
      prompts: [config.validation_prompts, config.num_validation_images_per_prompt],
      often: [config.save_every_n_steps, config.validate_every_n_steps, config.max_checkpoints],
    });
    assert.deepEqual(pick(a), pick(b));
  }
});

test("the sample pipeline's own configuration reads, and its files are there", async () => {
  const source = parseSource(readFileSync("pipelines/sdxl-ti.yaml", "utf8"), "sdxl-ti.yaml");
  assert.deepEqual(source.findings, []);
  const { config, notes } = await read({ pipeline: within(source, "config") });
  assert.deepEqual(notes, []);
  assert.ok(existsSync(config.model));
  assert.equal(config.data_loader.resolution, 128);
  const held = config.fixed_loss_dataset;
  assert.ok(held !== null && "jsonl_path" in held && existsSync(held.jsonl_path));
  const captions = readFileSync(held.jsonl_path, "utf8").trim().split("\n")
    .map((line) => JSON.parse(line).text as string);
  assert.ok(captions.every((caption) => caption.split(" ").includes(config.fixed_loss_word!)));
});

test("the sample takes the real photos in place of the tiny ones", async () => {
  const source = parseSource(readFileSync("pipelines/sdxl-ti.yaml", "utf8"), "sdxl-ti.yaml");
  const { config } = await read({
    pipeline: within(source, "config"),
    set: ["data_loader.dataset.dataset_dir=sample_data/bruce_the_gnome"],
  });
  assert.equal(config.data_loader.dataset.type, "IMAGE_DIR_DATASET");
});

test("the caption templates are the reference's", () => {
  const theirs = JSON.parse(readFileSync(reference("caption_templates.json"), "utf8"));
  assert.deepEqual(captionTemplates, theirs);
});
