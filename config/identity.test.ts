// Which options start a new run and which go on with the same one, listed by hand.
import assert from "node:assert/strict";
import { test } from "node:test";
import { canonicalJson } from "../lib/canonical-json.ts";
import { isMapping } from "../lib/mapping.ts";
import { optionRows } from "./option-rows.ts";
import { identityOf, unhashedKeys } from "./identity.ts";
import { least, own, read } from "./testing/read.ts";

const base = [
  "data_loader.aspect_ratio_buckets={target_resolution: 64, start_dim: 64, end_dim: 64, divisible_by: 8}",
  "data_loader.center_crop=false",
  "data_loader.random_flip=true",
  "data_loader.dataset={type: IMAGE_CAPTION_JSONL_DATASET, jsonl_path: j}",
  "fixed_loss_dataset={type: IMAGE_DIR_DATASET, dataset_dir: held_out}",
  "use_masks=true",
  "num_vectors=3",
  "prediction_type=v_prediction",
  "lr_scheduler=cosine",
];

const identity = async (...set: string[]) =>
  canonicalJson(identityOf((await read({ ...own(least), set: [...base, ...set] })).config));

const sameRun = [
  "base_output_dir=elsewhere",
  "report_to=all",
  "save_every_n_steps=7",
  "save_every_n_epochs=7",
  "validate_every_n_steps=7",
  "validate_every_n_epochs=7",
  "validate_at_start=false",
  "validation_prompts=[bruce]",
  "negative_validation_prompts=[]",
  "num_validation_images_per_prompt=1",
  "validation_sampler=euler",
  "validation_steps=7",
  "validation_pooling=both",
  "prompt_following=true",
  "validation_guidance=7",
  "max_checkpoints=2",
  "fixed_loss_every=50",
  "before_after_timesteps=[5]",
  "before_after_noises=3",
  "early_stop=true",
  "provider=webgpu",
  "threads=1",
  "device=1",
  "memory_plan=C",
  "gradient_checkpointing=true",
  "xformers=true",
  "mixed_precision=bf16",
  "cache_vae_outputs=true",
  "enable_cpu_offload_during_validation=true",
  "optimizer.use_8bit=true",
  "data_loader.dataloader_num_workers=3",
  "data_loader.dataset.keep_in_memory=true",
  "data_loader.max_pixels=1000",
  "data_loader.dataset.allow_outside_paths=true",
];

const newRun = [
  "seed=5",
  "model=another",
  "hf_variant=null",
  "hf_revision=main",
  "vae_model=another",
  "model_config=another",
  "placeholder_token=other",
  "num_vectors=2",
  "initializer_token=cat",
  "initial_phrase=cat",
  "initial_embedding_file=f.safetensors",
  "pooling=end_token",
  "max_train_steps=101",
  "optimizer.learning_rate=1",
  "optimizer.optimizer_type=Prodigy",
  "lr_scheduler=linear",
  "lr_warmup_steps=5",
  "train_batch_size=2",
  "gradient_accumulation_steps=2",
  "max_grad_norm=1",
  "std_pull=off",
  "prediction_type=null",
  "rescale_betas_zero_snr=true",
  "min_snr_gamma=null",
  "v_min_snr=reference",
  "use_masks=false",
  "mask_normalise=false",
  "mask_downscale=area",
  "weight_dtype=float32",
  "fixed_loss_dataset=null",
  "fixed_loss_word=cat",
  "fixed_loss_timesteps=[5]",
  "fixed_loss_layout=in_turn",
  "initializer_rest=mean",
  "lr_scheduler=warmup_stable_decay",
  "ema_decay=0.95",
  "optimizer.learning_rate_unit=vocabulary",
  "data_loader.dataset.jsonl_path=k",
  "data_loader.dataset.caption_column=c",
  "data_loader.caption_preset=style",
  "data_loader.caption_templates=['{}']",
  "data_loader.keep_original_captions=true",
  "data_loader.aspect_ratio_buckets=null",
  "data_loader.resolution=64",
  "data_loader.center_crop=true",
  "data_loader.random_flip=false",
  "data_loader.shuffle_caption_delimiter=','",
  "data_loader.apply_exif_orientation=false",
  "data_loader.crops_per_image=2",
  "data_loader.crop_left_after_flip=original",
  "data_loader.time_ids_target_size=resolution",
  "data_loader.skip_bad_images=true",
];

test("options that keep the run", async () => {
  const before = await identity();
  for (const set of sameRun) assert.equal(await identity(set), before, set);
});

test("options that start a new run", async () => {
  const before = await identity();
  for (const set of newRun) assert.notEqual(await identity(set), before, set);
  const stable = await identity("lr_scheduler=warmup_stable_decay");
  const longer = await identity("lr_scheduler=warmup_stable_decay", "lr_decay_fraction=0.5");
  assert.notEqual(longer, stable);
  const alone = await identity("fixed_loss_dataset=null");
  assert.notEqual(await identity("fixed_loss_dataset=null", "fixed_loss_holdout=2"), alone);
});

test("late options at their default are as if they were not there; what is auto is written out", async () => {
  const late = optionRows().filter((row) => row.late).map(({ key }) => key);
  assert.ok(late.includes("ema_decay") && late.includes("optimizer.learning_rate_unit"));
  const has = (value: unknown, [first, ...rest]: readonly string[]): boolean =>
    isMapping(value) && Object.hasOwn(value, first) &&
    (rest.length === 0 || has(value[first], rest));
  const { config } = await read({ ...own(least), set: base });
  for (const key of late.filter((key) => !/^fixed_loss_(layout|dataset)/.test(key))) {
    assert.ok(has(config, key.split(".")) && !has(identityOf(config), key.split(".")), key);
  }
  const timesteps = async (...set: string[]) =>
    (await read({ ...own(least), set })).config.fixed_loss_timesteps;
  const heldOut = "fixed_loss_dataset={dataset_dir: held_out}";
  assert.deepEqual(await timesteps(), [125, 375, 625, 875]);
  assert.deepEqual(await timesteps(heldOut), [200, 500, 800]);
  assert.deepEqual(await timesteps("fixed_loss_holdout=2"), [200, 500, 800]);
  assert.deepEqual(await timesteps(heldOut, "fixed_loss_layout=in_turn"), [125, 375, 625, 875]);
  assert.deepEqual(await timesteps(heldOut, "fixed_loss_timesteps=[1]"), [1]);
  const asBefore = ["fixed_loss_dataset=null", "fixed_loss_timesteps=[125, 375, 625, 875]"];
  assert.equal(await identity(...asBefore), await identity("fixed_loss_dataset=null"));
  assert.ok(!(await identity(...asBefore)).includes("fixed_loss_layout"));
  const layout = "fixed_loss_layout=in_turn";
  assert.equal(await identity(...asBefore, layout), await identity(...asBefore));
});

test("what no result depends on, listed by hand: places of inputs, and how many work", () => {
  const ofDatasets = ["dataset_dir", "jsonl_path", "hf_cache_dir", "keep_in_memory"];
  const expected = [
    ...["model", "vae_model", "model_config", "hf_variant", "hf_revision"],
    ...["initial_embedding_file", "threads", "device", "data_loader.dataloader_num_workers"],
    ...["data_loader.dataset", "fixed_loss_dataset"].flatMap((dataset) =>
      ofDatasets.map((key) => `${dataset}.${key}`)
    ),
  ];
  assert.deepEqual([...unhashedKeys()].sort(), expected.sort());
});

test("the length belongs to the run unless the rate is constant", async () => {
  for (const rate of ["constant", "constant_with_warmup"]) {
    const short = await identity(`lr_scheduler=${rate}`);
    assert.equal(await identity(`lr_scheduler=${rate}`, "max_train_steps=900"), short);
    assert.equal(await identity(`lr_scheduler=${rate}`, "max_train_epochs=9"), short);
  }
  for (
    const rate of [
      "linear",
      "cosine",
      "cosine_with_restarts",
      "polynomial",
      "warmup_stable_decay",
    ]
  ) {
    const short = await identity(`lr_scheduler=${rate}`);
    assert.notEqual(await identity(`lr_scheduler=${rate}`, "max_train_steps=900"), short);
  }
});

test("an option that is idle does not count", async () => {
  const idle: readonly string[][] = [
    ["lr_scheduler=constant", "lr_warmup_steps=5"],
    ["initial_phrase=a cat", "num_vectors=5"],
    ["use_masks=false", "mask_downscale=area"],
    ["lr_scheduler=cosine", "lr_decay_fraction=0.5"],
    ["data_loader.center_crop=true", "data_loader.crops_per_image=3"],
  ];
  for (const [first, second] of idle) {
    assert.equal(await identity(first, second), await identity(first), second);
  }
});

test("every option is in one of the two lists", () => {
  const listed = new Set([...sameRun, ...newRun].map((set) => set.split("=")[0]));
  const groups =
    /^(type|data_loader|optimizer|data_loader\.(type|dataset)|max_train_epochs|fixed_loss_holdout|lr_decay_fraction)$/;
  const within = /^(fixed_loss_dataset|data_loader\.dataset|optimizer|.*aspect_ratio_buckets)\./;
  const rest = optionRows().map((row) => row.key)
    .filter((key) => !listed.has(key) && !groups.test(key) && !within.test(key));
  assert.deepEqual(rest, []);
});
