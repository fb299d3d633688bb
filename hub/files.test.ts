import assert from "node:assert/strict";
import { test } from "node:test";
import { modelFiles, refuseIncomplete, vaeFiles } from "./files.ts";
import { HubContentFault } from "./hub-fault.ts";
import { fakeSdxl } from "./testing/fake-sdxl.ts";

type Files = Record<string, string | Uint8Array>;

const listing = (files: Files) => ({
  id: "org/name",
  paths: new Set(Object.keys(files)),
  readJson: (path: string) => Promise.resolve(JSON.parse(String(files[path]))),
});

const without = (files: Files, pattern: RegExp): Files =>
  Object.fromEntries(Object.entries(files).filter(([path]) => !pattern.test(path)));

const weightsOf = (files: readonly string[]) =>
  files.filter((path) => path.includes("safetensors")).sort();

// Written out by hand from what diffusers 0.42 opens for an SDXL folder.
const common = [
  "model_index.json",
  "scheduler/scheduler_config.json",
  "text_encoder/config.json",
  "text_encoder_2/config.json",
  "tokenizer/merges.txt",
  "tokenizer/special_tokens_map.json",
  "tokenizer/tokenizer_config.json",
  "tokenizer/vocab.json",
  "tokenizer_2/merges.txt",
  "tokenizer_2/special_tokens_map.json",
  "tokenizer_2/tokenizer_config.json",
  "tokenizer_2/vocab.json",
  "unet/config.json",
  "vae/config.json",
];
const plain = [
  "text_encoder/model.safetensors",
  "text_encoder_2/model.safetensors",
  "unet/diffusion_pytorch_model.safetensors",
  "vae/diffusion_pytorch_model.safetensors",
];
const half = plain.map((path) => path.replace(".safetensors", ".fp16.safetensors"));

test("a folder: configs, tokenizers, scheduler and one set of weights, nothing else", async () => {
  const { files, kind, root, missing, replaced } = await modelFiles(listing(fakeSdxl()));
  assert.deepEqual([...files].sort(), [...common, ...plain].sort());
  assert.deepEqual({ kind, root, missing, replaced }, {
    kind: "folder",
    root: "",
    missing: [],
    replaced: [],
  });
  const fp16 = await modelFiles(listing(fakeSdxl()), "fp16");
  assert.deepEqual([...fp16.files].sort(), [...common, ...half].sort());
});

test("each component falls back by itself: variant, plain, fp16", async () => {
  const mixed = await modelFiles(listing(without(fakeSdxl(), /^(?:vae|unet)\/.*fp16/)), "fp16");
  assert.deepEqual(weightsOf(mixed.files), [half[0], half[1], plain[2], plain[3]].sort());
  assert.deepEqual(mixed.replaced, [half[2], half[3]]);

  const none = await modelFiles(listing(fakeSdxl()), "bf16");
  assert.deepEqual(weightsOf(none.files), plain);
  assert.equal(none.replaced.length, 4);

  const only = await modelFiles(listing(without(fakeSdxl(), /^(?!vae).*model\.safetensors/)));
  assert.deepEqual(weightsOf(only.files), [half[0], half[1], half[2], plain[3]].sort());
  assert.deepEqual(only.replaced, plain.slice(0, 3));
});

test("shards come through their index, whichever way it is named", async () => {
  const base = without(fakeSdxl(), /^unet\/diffusion/);
  const shards = ["unet/a-00001-of-00002.safetensors", "unet/a-00002-of-00002.safetensors"];
  const index = JSON.stringify({
    weight_map: {
      x: "a-00002-of-00002.safetensors",
      y: "a-00001-of-00002.safetensors",
      z: "a-00002-of-00002.safetensors",
    },
  });
  const bytes = Object.fromEntries(shards.map((path) => [path, ""]));
  const stem = "unet/diffusion_pytorch_model.safetensors";
  for (
    const [name, variant] of [
      [`${stem}.index.json`, undefined],
      [`${stem}.index.json`, "fp16"],
      [`${stem}.index.fp16.json`, "fp16"],
      [`${stem}.fp16.index.json`, "fp16"],
    ] as const
  ) {
    const { files, missing } = await modelFiles(
      listing({ ...base, ...bytes, [name]: index }),
      variant,
    );
    assert.deepEqual(files.filter((path) => /^unet\/(?!config)/.test(path)), [name, ...shards]);
    assert.deepEqual(missing, []);
    const torn = await modelFiles(listing({ ...base, [shards[0]]: "", [name]: index }), variant);
    assert.deepEqual(torn.missing, [stem]);
  }
  for (const bad of ["{}", `{"weight_map":{"x":"../../evil.safetensors"}}`, `{"weight_map":[]}`]) {
    const files = { ...base, ...bytes, [`${stem}.index.json`]: bad };
    await assert.rejects(modelFiles(listing(files)), HubContentFault);
  }
});

test("a tokenizer.json alone is enough", async () => {
  const files = {
    ...without(fakeSdxl(), /^tokenizer\/(?:vocab|merges)/),
    "tokenizer/tokenizer.json": "{}",
  };
  const { missing, files: needed } = await modelFiles(listing(files));
  assert.deepEqual(missing, []);
  assert.ok(needed.includes("tokenizer/tokenizer.json"));
});

test("everything that is missing is said at once, with what may do instead", async () => {
  const bare = without(
    fakeSdxl(),
    /^(?:unet|vae)\/.*safetensors|^tokenizer_2\/vocab|^scheduler|^sd_/,
  );
  const pickled = {
    ...bare,
    "unet/diffusion_pytorch_model.bin": "",
    "vae/diffusion_pytorch_model.bin": "",
  };
  const all = listing(pickled);
  const needed = await modelFiles(all);
  assert.deepEqual([...needed.missing].sort(), [
    "scheduler/scheduler_config.json",
    "tokenizer_2/vocab.json",
    "unet/diffusion_pytorch_model.safetensors",
    "vae/diffusion_pytorch_model.safetensors",
  ]);
  assert.throws(() => refuseIncomplete(all, needed), /no unet\/diffusion.*no vae/);

  const single = listing({ ...pickled, "xl.safetensors": "" });
  assert.throws(() => refuseIncomplete(single, needed), /org\/name\/xl\.safetensors may do/);
  const noHalf = without(pickled, /fp16/);
  assert.throws(() => refuseIncomplete(listing(noHalf), needed), /Pickle files.*convert them/);
  const other = { ...noHalf, "unet/diffusion_pytorch_model.bf16.safetensors": "" };
  assert.throws(() => refuseIncomplete(listing(other), needed), /variant bf16/);
});

test("other pipelines are refused by name, the refiner as such", async () => {
  const index = JSON.parse(String(fakeSdxl()["model_index.json"]));
  const cases: [Record<string, unknown>, RegExp][] = [
    [
      { ...index, text_encoder_2: undefined, _class_name: "StableDiffusionPipeline" },
      /StableDiffusionPipeline/,
    ],
    [
      { ...index, unet: undefined, _class_name: "StableDiffusion3Pipeline" },
      /StableDiffusion3Pipeline/,
    ],
    [{ ...index, text_encoder: [null, null], tokenizer: [null, null] }, /refiner/],
    [{}, /no _class_name/],
  ];
  for (const [json, message] of cases) {
    const files = { ...fakeSdxl(), "model_index.json": JSON.stringify(json) };
    await assert.rejects(
      modelFiles(listing(files)),
      (fault) => fault instanceof HubContentFault && message.test(fault.message),
    );
  }
});

test("a repository of one file is that file; of several, of pickles or of nothing a fault", async () => {
  const one = { "xl.safetensors": "", "README.md": "", "lora/x.safetensors": "" };
  const { kind, root, files, replaced } = await modelFiles(listing(one));
  assert.deepEqual({ kind, root, files, replaced }, {
    kind: "single-file",
    root: "xl.safetensors",
    files: ["xl.safetensors"],
    replaced: ["model_index.json"],
  });
  const cases: [Files, RegExp][] = [
    [{ ...one, "b.safetensors": "" }, /Name the one you mean, as in org\/name\/b\.safetensors/],
    [{ "v1-5.ckpt": "" }, /v1-5\.ckpt\. Pickle files/],
    [{ "README.md": "" }, /found neither/],
  ];
  for (const [all, message] of cases) await assert.rejects(modelFiles(listing(all)), message);
});

test("a VAE: its own repository, the folder of a model, or one file", async () => {
  const own = {
    "config.json": "{}",
    "diffusion_pytorch_model.safetensors": "",
    "sdxl_vae.safetensors": "",
  };
  const { files, root } = await vaeFiles(listing(own), "fp16");
  assert.deepEqual(files, ["config.json", "diffusion_pytorch_model.safetensors"]);
  assert.equal(root, "");

  const whole = await vaeFiles(listing(fakeSdxl()), "fp16");
  assert.deepEqual(whole.files, ["vae/config.json", half[3]]);
  assert.equal(whole.root, "vae");

  assert.equal((await vaeFiles(listing({ "my_vae.safetensors": "" }))).root, "my_vae.safetensors");
  const { missing } = await vaeFiles(listing({ "vae/config.json": "{}" }));
  assert.deepEqual(missing, ["vae/diffusion_pytorch_model.safetensors"]);
});
