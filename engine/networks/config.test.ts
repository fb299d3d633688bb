import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import {
  decodeClipTextConfig,
  decodeSchedulerConfig,
  decodeUNetConfig,
  decodeVaeConfig,
} from "./config.ts";

const reference = fileURLToPath(new URL("../../tests/reference/sdxl-base/", import.meta.url));
const json = (name: string) => JSON.parse(readFileSync(`${reference}${name}_config.json`, "utf8"));
const unet = json("unet");
const required = {
  addition_embed_type: "text_time",
  addition_time_embed_dim: 256,
  projection_class_embeddings_input_dim: 2816,
};

test("SDXL base, lists expanded", () => {
  const config = decodeUNetConfig(unet, "unet");
  assert.deepEqual(config.layers_per_block, [2, 2, 2]);
  assert.deepEqual(config.transformer_layers_per_block, [[], [2, 2], [10, 10]]);
  assert.deepEqual(config.reverse_transformer_layers_per_block, [[10, 10, 10], [2, 2, 2], []]);
  assert.deepEqual([config.mid_transformer_layers, config.time_embedding_dim], [10, 1280]);
  assert.deepEqual(config.attention_head_dim, [5, 10, 20]);
});

test("SSD-1B's nested and reversed lists", () => {
  const config = decodeUNetConfig({
    ...unet,
    transformer_layers_per_block: [1, [2, 2], [4, 4]],
    reverse_transformer_layers_per_block: [[4, 4, 10], [2, 1, 1], 1],
    mid_block_type: "UNetMidBlock2D",
  }, "unet");
  assert.deepEqual(config.transformer_layers_per_block, [[], [2, 2], [4, 4]]);
  assert.deepEqual(config.reverse_transformer_layers_per_block, [[4, 4, 10], [2, 1, 1], []]);
  assert.equal(config.mid_transformer_layers, 0);
});

/** What diffusers 0.42 and transformers 5 say of their own signatures. */
test("keys that are absent get the libraries' defaults", () => {
  const config = decodeUNetConfig(required, "unet");
  assert.deepEqual(config.block_out_channels, [320, 640, 1280, 1280]);
  assert.deepEqual(config.attention_head_dim, [8, 8, 8, 8]);
  assert.deepEqual([config.cross_attention_dim, config.norm_eps, config.norm_num_groups], [
    1280,
    1e-5,
    32,
  ]);
  assert.deepEqual([config.use_linear_projection, config.flip_sin_to_cos], [false, true]);
  const clip = decodeClipTextConfig({}, "text_encoder");
  assert.deepEqual([clip.vocab_size, clip.hidden_size, clip.num_attention_heads], [49408, 512, 8]);
  assert.deepEqual([clip.hidden_act, clip.eos_token_id], ["quick_gelu", 49407]);
  const vae = decodeVaeConfig({}, "vae");
  assert.deepEqual([vae.scaling_factor, vae.force_upcast, vae.block_out_channels], [0.18215, true, [
    64,
  ]]);
  const scheduler = decodeSchedulerConfig({}, "scheduler");
  assert.deepEqual([scheduler.beta_start, scheduler.beta_end, scheduler.beta_schedule], [
    0.0001,
    0.02,
    "linear",
  ]);
  assert.deepEqual([scheduler.prediction_type, scheduler.num_train_timesteps], ["epsilon", 1000]);
});

test("num_attention_heads goes before attention_head_dim", () => {
  const config = decodeUNetConfig({ ...unet, num_attention_heads: [1, 2, 4] }, "unet");
  assert.deepEqual(config.attention_head_dim, [1, 2, 4]);
});

const refused = (what: string, run: () => unknown, expected: Record<string, unknown>) =>
  test(`refused: ${what}`, () => {
    assert.throws(run, { _tag: "ModelConfigFault", kind: "user", ...expected });
  });

refused("inpainting", () => decodeUNetConfig({ ...unet, in_channels: 9 }, "f"), {
  file: "f",
  key: "in_channels",
  found: /looks like an inpainting model/,
});
refused("instruct-pix2pix", () => decodeUNetConfig({ ...unet, in_channels: 8 }, "f"), {
  found: /instruct-pix2pix/,
});
const sd = { block_out_channels: [320, 640, 1280, 1280], in_channels: 4, out_channels: 4 };
refused("SD 1", () => decodeUNetConfig({ ...sd, cross_attention_dim: 768 }, "f"), {
  found: /addition_embed_type: no such key.*looks like SD 1/,
});
refused("SD 2", () => decodeUNetConfig({ ...sd, cross_attention_dim: 1024 }, "f"), {
  found: /SD 2/,
});
refused("the refiner", () =>
  decodeUNetConfig({
    ...unet,
    block_out_channels: [384, 768, 1536, 1536],
    cross_attention_dim: 1280,
    projection_class_embeddings_input_dim: 2560,
  }, "f"), { found: /looks like the SDXL refiner/ });
refused("Kolors", () => decodeUNetConfig({ ...unet, encoder_hid_dim_type: "text_proj" }, "f"), {
  key: "encoder_hid_dim_type",
  found: /looks like Kolors/,
});
refused("SD 3", () => decodeUNetConfig({ _class_name: "SD3Transformer2DModel" }, "f"), {
  found: /SD 3/,
});
refused(
  "several wrong keys, all named",
  () => decodeUNetConfig({ ...unet, conv_in_kernel: 5, act_fn: "mish" }, "f"),
  {
    found: /act_fn: "mish".*conv_in_kernel: 5, expected 3/,
  },
);
refused(
  "heads that do not divide",
  () => decodeUNetConfig({ ...unet, attention_head_dim: 7 }, "f"),
  {
    found: /7 heads do not divide the 640 channels of level 1/,
  },
);
refused(
  "lists of the wrong length",
  () => decodeUNetConfig({ ...unet, layers_per_block: [2, 2] }, "f"),
  {
    key: "layers_per_block",
    found: "2 entries for 3 levels",
  },
);
refused(
  "nested lists without reversed ones",
  () => decodeUNetConfig({ ...unet, transformer_layers_per_block: [1, [2, 2], [4, 4]] }, "f"),
  {
    found: /2 entries for the 3 layers of up block 0/,
  },
);
refused(
  "attention without layers",
  () => decodeUNetConfig({ ...unet, transformer_layers_per_block: [1, 0, 2] }, "f"),
  {
    key: "transformer_layers_per_block",
  },
);
refused(
  "counts that only a damaged file has",
  () => decodeUNetConfig({ ...unet, layers_per_block: [2, 2, 2e9], freq_shift: 160 }, "f"),
  { key: "layers_per_block.2", found: /2000000000/ },
);
refused("a shift by all frequencies", () => decodeUNetConfig({ ...unet, freq_shift: 128 }, "f"), {
  key: "freq_shift",
});
refused("a billion layers", () => decodeClipTextConfig({ num_hidden_layers: 1e9 }, "f"), {
  key: "num_hidden_layers",
});
refused("betas that are no probabilities", () => decodeSchedulerConfig({ beta_end: 1.5 }, "f"), {
  key: "beta_end",
});
refused("no object", () => decodeUNetConfig(null, "f"), { key: "(whole file)" });
refused("no level at all", () => decodeUNetConfig({ ...unet, block_out_channels: [] }, "f"), {});
refused(
  "an activation that is not CLIP's",
  () => decodeClipTextConfig({ hidden_act: "relu" }, "f"),
  { key: "hidden_act" },
);
refused(
  "heads that do not divide CLIP's width",
  () => decodeClipTextConfig({ num_attention_heads: 7 }, "f"),
  {},
);
refused(
  "a VAE whose groups do not divide",
  () => decodeVaeConfig({ block_out_channels: [48] }, "f"),
  { key: "norm_num_groups" },
);
refused("shifted latents", () => decodeVaeConfig({ latents_mean: [0, 0, 0, 0] }, "f"), {
  key: "latents_mean",
});
refused(
  "the EDM formulation",
  () => decodeSchedulerConfig({ _class_name: "EDMDPMSolverMultistepScheduler" }, "f"),
  {
    found: /EDM formulation/,
  },
);
refused(
  "prediction of the sample",
  () => decodeSchedulerConfig({ prediction_type: "sample" }, "f"),
  { key: "prediction_type" },
);

test("a class that is no text, lists of thousands, nesting without end: refused, not a defect", () => {
  const odd = [{ toString: 1 }];
  assert.throws(() => decodeSchedulerConfig({ _class_name: odd }, "x"), /_class_name.*toString/);
  assert.throws(
    () => decodeClipTextConfig({ _class_name: odd, hidden_size: odd }, "x"),
    /toString/,
  );
  const levels = Array<number>(4000).fill(320);
  assert.throws(
    () => decodeUNetConfig({ ...unet, block_out_channels: levels }, "unet"),
    /block_out_channels.*at most 16/,
  );
  assert.throws(() => decodeVaeConfig({ block_out_channels: levels }, "vae"), /at most 16/);
  const deep = JSON.parse(`${"[".repeat(5000)}${"]".repeat(5000)}`);
  assert.throws(() => decodeVaeConfig({ in_channels: deep }, "vae"), /in_channels/);
});
