// Whole configurations: the reference's files, layers, and every kind of mistake with its line.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { findings, least, own, read, reference } from "./testing/read.ts";

const folder = mkdtempSync(join(tmpdir(), "gnomic-config-"));
after(() => rmSync(folder, { recursive: true }));

const file = (name: string, content: string | Uint8Array): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};

test("the reference's gnome file reads unchanged", async () => {
  const { config } = await read({ file: reference("sdxl_textual_inversion_gnome_1x24gb.yaml") });
  assert.equal(config.optimizer.learning_rate, 0.002);
  assert.equal(config.lr_warmup_steps, 200);
  assert.equal(config.vae_model, "madebyollin/sdxl-vae-fp16-fix");
  assert.deepEqual(config.data_loader.dataset, {
    type: "IMAGE_DIR_DATASET",
    dataset_dir: "sample_data/bruce_the_gnome",
    keep_in_memory: true,
  });
  assert.equal(config.gradient_checkpointing, true);
  assert.equal(config.validation_prompts.length, 2);
});

test("the reference's file with masks reads unchanged", async () => {
  const { config, notes } = await read({
    file: reference("sdxl_textual_inversion_masks_gnome_1x24gb.yaml"),
  });
  assert.equal(config.use_masks, true);
  assert.equal(config.num_vectors, 16);
  assert.equal(config.max_train_steps, 500);
  assert.match(notes.join("\n"), /keep_in_memory: no effect/);
});

test("a whole file takes the pipeline's place, a part is laid over it and that is said", async () => {
  const pipeline = own(`${least}fixed_loss_every: 7\n`).pipeline;
  const whole = await read({ pipeline, file: file("whole.yaml", least) });
  assert.equal(whole.config.fixed_loss_every, "auto");
  assert.deepEqual(whole.notes, []);
  const part = await read({ pipeline, file: file("part.yaml", "max_train_epochs: 3\n") });
  assert.equal(part.config.fixed_loss_every, 7);
  assert.equal(part.config.max_train_steps, null);
  assert.equal(part.config.max_train_epochs, 3);
  assert.match(part.notes[0], /part\.yaml names no type/);
});

test("--set goes over files, --seed and --output over --set", async () => {
  const { config } = await read({
    file: file("least.yaml", least),
    set: [
      "data_loader.resolution=[64, 128]",
      "seed=3",
      "base_output_dir=a",
      "save_every_n_epochs=1",
    ],
    seed: "11",
    output: "0123",
  });
  assert.deepEqual(config.data_loader.resolution, [64, 128]);
  assert.equal(config.seed, 11);
  assert.equal(config.base_output_dir, "0123");
  assert.deepEqual([config.save_every_n_steps, config.save_every_n_epochs], [null, 1]);
});

test("a provider of before is answered with what to use instead", async () => {
  const [finding] = await findings({ file: file("old.yaml", `${least}provider: coreml\n`) });
  assert.equal(finding.key, "provider");
  assert.match(finding.fix, /CoreML.*provider: webgpu/);
  const [gpu] = await findings({ ...own(least), set: ["provider=gpu"] });
  assert.match(gpu.fix, /^auto takes the fastest card/);
});

test("every mistake of a file is reported at once, on its line", async () => {
  const text = `type: SDXL_TEXTUAL_INVERSION
base_output_dir: out
placeholder_token: "two words"
initializer_token: gnome
initial_phrase: garden gnome
num_vectors: 76
learning_rate: 1e-3
lr_scheduler: cosin
max_train_steps: 10
max_train_epochs: 3
data_loader:
  dataset:
    type: IMAGE_CAPTION_DIR_DATSET
    dataset_dir: x
  resolutoin: 512
  center_crop: yes
  aspect_ratio_buckets: {target_resolution: 1024, start_dim: 1024, end_dim: 512, divisible_by: 60}
negative_validation_prompts: [a]
save_every_n_steps: "50"
`;
  const found = await findings({ file: file("bad.yaml", text) });
  const at = Object.fromEntries(found.map((each) => [each.key, each]));
  const expected: Record<string, [line: number, fix: RegExp]> = {
    validate_every_n_steps: [1, /Set one/],
    placeholder_token: [3, /two_words/],
    initializer_token: [4, /all but one/],
    num_vectors: [6, /./],
    learning_rate: [7, /Did you mean optimizer\.learning_rate\?/],
    lr_scheduler: [8, /Did you mean cosine\?/],
    max_train_steps: [9, /all but one/],
    "data_loader.caption_preset": [11, /Set one/],
    "data_loader.dataset.type": [13, /Did you mean IMAGE_CAPTION_DIR_DATASET\?/],
    "data_loader.resolutoin": [15, /Did you mean data_loader\.resolution\?/],
    "data_loader.center_crop": [16, /true or false/],
    "data_loader.aspect_ratio_buckets.divisible_by": [17, /Nearest: 56 or 64/],
    negative_validation_prompts: [18, /one for each prompt/],
    save_every_n_steps: [19, /without quotes/],
  };
  assert.deepEqual(Object.keys(at).sort(), Object.keys(expected).sort());
  for (const [key, [line, fix]] of Object.entries(expected)) {
    assert.equal(at[key].line, line, key);
    assert.match(at[key].fix, fix, key);
  }
  assert.deepEqual(
    found.map(({ line }) => line),
    found.map(({ line }) => line).toSorted((a, b) => a! - b!),
  );
});

/** `least` with changes, each "key=value"; expects exactly one finding at the key. */
const one: readonly [set: readonly string[], key: string, fix: RegExp][] = [
  [["initializer_token=null"], "initializer_token", /Set one/],
  [["num_vectors=0"], "num_vectors", /./],
  [["num_vectors=75.5"], "num_vectors", /./],
  [["max_train_steps=null"], "max_train_steps", /Set one/],
  [["save_every_n_epochs=1", "save_every_n_steps=2"], "save_every_n_steps", /all but one/],
  [["data_loader.resolution=100"], "data_loader.resolution", /96 or 104/],
  [["data_loader.resolution=[512, 500]"], "data_loader.resolution.1", /496 or 504/],
  [["lr_scheduler=null"], "lr_scheduler", /its default, "constant"; `--set KEY=` takes it/],
  [["num_vectors=2024-01-01"], "num_vectors", /Write a number\.$/],
  [["data_loader.resolution=.inf"], "data_loader.resolution", /Write a finite number/],
  [["use_masks=true"], "use_masks", /JSONL/],
  [["data_loader.keep_original_captions=true"], "data_loader.keep_original_captions", /txt/],
  [["data_loader.caption_templates=['a photo']"], "data_loader.caption_templates.0", /./],
  [["early_stop=true", "fixed_loss_every=null"], "early_stop", /fixed_loss_every/],
  [
    ["lr_scheduler=polynomial", "max_train_steps=9", "lr_warmup_steps=9"],
    "lr_warmup_steps",
    /Lower/,
  ],
  [["lr_scheduler=polynomial", "optimizer.learning_rate=0"], "optimizer.learning_rate", /Raise/],
  [
    ["optimizer.use_bias_correction=true", "optimizer.beta1=0.5"],
    "optimizer.use_bias_correction",
    /Prodigy/,
  ],
  [["placeholder_token=猫"], "placeholder_token", /ASCII/],
  [["placeholder_token=7"], "placeholder_token", /quotes/],
  [["type=SDXL_LORA"], "type", /there is only one/],
  [["validation_prompts=x"], "validation_prompts", /list/],
  [["validation_prompts.0=x"], "validation_prompts", /whole list/],
  [["min_snr_gamma=.inf"], "min_snr_gamma", /./],
  [["seed=-1"], "seed", /./],
  [["optimizer=AdamW"], "optimizer", /a mapping/],
  [["data_loader.resolution=512,768"], "data_loader.resolution", /whole list/],
  [["data_loader.resolution=[512]"], "data_loader.resolution", /./],
  [["data_loader=null"], "data_loader", /./],
  [["__proto__.x=1"], "__proto__", /Remove/],
  [["data_loader.dataset=null"], "data_loader.dataset", /./],
];

for (const [set, key, fix] of one) {
  test(`${set.join(" ")} is one finding`, async () => {
    const found = await findings({ ...own(least), set });
    assert.deepEqual(found.map((each) => each.key), [key], JSON.stringify(found));
    assert.equal(found[0].file, "--set");
    assert.match(found[0].fix, fix);
  });
}

const buckets = (target: number, start: number, end: number, by: number) =>
  `data_loader.aspect_ratio_buckets={target_resolution: ${target}, start_dim: ${start}, ` +
  `end_dim: ${end}, divisible_by: ${by}}`;

test("aspect buckets as the reference asserts them", async () => {
  assert.deepEqual(await findings({ ...own(least), set: [buckets(512, 256, 768, 64)] }), []);
  for (
    const bad of [
      buckets(512, 768, 256, 64),
      buckets(500, 256, 768, 64),
      buckets(512, 256, 768, 60),
      buckets(512, 256, 776, 64),
      buckets(64, 64, 128, 64),
    ]
  ) {
    assert.equal((await findings({ ...own(least), set: [bad] })).length, 1, bad);
  }
});

const unreadable: readonly [what: string, path: () => string, found: RegExp][] = [
  ["no file", () => join(folder, "none.yaml"), /no such file/],
  ["a folder", () => folder, /a folder/],
  ["bytes that are not UTF-8", () => file("latin.yaml", Uint8Array.of(0x61, 0x3a, 0xe9)), /bytes/],
  ["half of UTF-16", () => file("utf16.yaml", Uint8Array.of(0xff, 0xfe, 0x61)), /bytes/],
  ["an empty file", () => file("empty.yaml", ""), /nothing/],
  ["a list", () => file("list.yaml", "- a\n- b\n"), /something else/],
  ["two megabytes", () => file("big.yaml", `a: ${"x".repeat(2 << 20)}`), /\d{7} bytes/],
  ["half a file", () => file("half.yaml", least.slice(0, least.indexOf("pictures"))), /./],
];

for (const [what, path, expected] of unreadable) {
  test(`${what} as --config is refused`, async () => {
    const found = await findings({ ...own(least), file: path() });
    assert.ok(found.length >= 1);
    assert.match(found[0].found, expected);
    assert.equal(found[0].file, path());
  });
}

test("a byte order mark and Windows line ends do no harm", async () => {
  const path = file("windows.yaml", `\ufeff${least.replaceAll("\n", "\r\n")}`);
  assert.equal((await read({ file: path })).config.placeholder_token, "bruce");
});

test("a list that is too long is said whole, in its line", async () => {
  const path = file("long.yaml", "data_loader:\n  resolution: [64, 64, 3]\n");
  const [finding, ...others] = await findings({ pipeline: own(least).pipeline, file: path });
  assert.deepEqual([others, finding.key, finding.line], [[], "data_loader.resolution", 2]);
  assert.match(`${finding.wanted} ${finding.found}`, /a list of 2.*\[64,64,3\]/);
});

test("several --config files: each is laid over those before it, also one that is whole", async () => {
  const files = [
    file("base.yaml", least),
    file("over.yaml", "num_vectors: 4\nmax_train_epochs: 3\n"),
    file("whole.yaml", "type: SDXL_TEXTUAL_INVERSION\nnum_vectors: 5\n"),
  ];
  const { config } = await read({ file: files });
  assert.deepEqual([config.num_vectors, config.max_train_epochs, config.max_train_steps], [
    5,
    3,
    null,
  ]);
  const broken = await findings({ file: [files[0], file("broken.yaml", "a: [")] });
  assert.match(broken[0].file!, /broken\.yaml/);
});

test("nothing behind the = takes an option back to its default", async () => {
  const given = { ...own(`${least}max_checkpoints: 4\nfixed_loss_every: null\nseed: 3\n`) };
  const { config } = await read({
    ...given,
    set: ["max_checkpoints=", "fixed_loss_every=", "data_loader.resolution="],
  });
  assert.deepEqual([config.max_checkpoints, config.fixed_loss_every], [null, "auto"]);
  assert.deepEqual([config.data_loader.resolution, config.seed], [512, 3]);
  const [{ found, key, file }] = await findings({ ...given, set: ["placeholder_token="] });
  assert.deepEqual([key, found, file], ["placeholder_token", "nothing", "--set"]);
});

test("~ is the home folder in every path, and what is no path is refused", async () => {
  const set = ["data_loader.dataset.dataset_dir=~/pics", "base_output_dir='~'", "model=~/m"];
  const { config } = await read({ ...own(least), set });
  assert.equal(
    (config.data_loader.dataset as { dataset_dir: string }).dataset_dir,
    join(homedir(), "pics"),
  );
  assert.deepEqual([config.base_output_dir, config.model], [homedir(), join(homedir(), "m")]);
  const wrong = await findings({
    ...own(least),
    set: ["model=~somebody/m"],
    output: "out ",
  });
  assert.deepEqual(wrong.map(({ key, found }) => [key, found]), [
    ["base_output_dir", '"out "'],
    ["model", '"~somebody/m"'],
  ]);
});

test("slips that have a way out of their own", async () => {
  const fixOf = async (text: string) => (await findings(own(`${least}${text}\n`)))[0];
  assert.match((await fixOf("validation_prompts: [a: b]")).fix, /quotes: a colon with a blank/);
  assert.match((await fixOf("validation_prompts: null")).fix, /Write \[\] for none/);
  assert.match((await fixOf("seed: 9007199254740993")).fix, /at most 9007199254740991/);
  assert.equal((await fixOf("num_vectors: 9007199254740993")).fix, "Change the value.");
  const [sides] = await findings({ ...own(least), set: ["data_loader.resolution=64x128"] });
  assert.equal(sides.fix, "Write the list: [64, 128].");
  const long = least.replace("bruce", "x".repeat(300));
  assert.deepEqual((await findings(own(long))).map(({ key, found }) => [key, found]), [
    ["placeholder_token", "300"],
  ]);
  const unvalidated = least.replace("validate_every_n_steps: 50\n", "");
  assert.match((await findings(own(unvalidated)))[0].fix, /validation_prompts: \[\] is the way/);
  const { notes } = await read(own(least.replace("bruce", "hoto")));
  assert.match(notes.join("\n"), /placeholder_token hoto: it is also found inside other words/);
});

test("a mapping in braces without blanks behind its colons says where one belongs", async () => {
  const text = `${least}fixed_loss_dataset: {type:IMAGE_DIR_DATASET,dataset_dir:my.pictures}\n`;
  const fixes = (await findings(own(text))).map(({ fix }) => fix);
  assert.ok(fixes.includes("Put a blank behind the colon: type: IMAGE_DIR_DATASET"), fixes.join());
  assert.ok(fixes.includes("Put a blank behind the colon: dataset_dir: my.pictures"), fixes.join());
});

test("keys of one's own begin with x-, for anchors to merge from", async () => {
  const path = file(
    "merge.yaml",
    `x-opt: &opt {learning_rate: 1e-2}\n${least}optimizer: {<<: *opt, beta1: 0.8}\n`,
  );
  const { config } = await read({ file: path });
  assert.equal(config.optimizer.learning_rate, 0.01);
  assert.equal((config.optimizer as { beta1: number }).beta1, 0.8);
});
