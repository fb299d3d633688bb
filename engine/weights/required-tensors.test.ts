import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import {
  decodeClipTextConfig,
  decodeSchedulerConfig,
  decodeUNetConfig,
  decodeVaeConfig,
  type ModelConfigs,
} from "../networks/config.ts";
import { openClipName, originalUNetName, originalVaeName } from "./original-names.ts";
import { networks, requiredTensors } from "./required-tensors.ts";
import { readHeader } from "../../lib/safetensors/safetensors.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const json = (path: string) => JSON.parse(readFileSync(root + path, "utf8"));

const unetJson = json("tests/reference/sdxl-base/unet_config.json");
const baseConfigs: ModelConfigs = {
  textEncoder: decodeClipTextConfig(json("tests/reference/sdxl-base/text_encoder_config.json"), ""),
  textEncoder2: decodeClipTextConfig(
    json("tests/reference/sdxl-base/text_encoder_2_config.json"),
    "",
  ),
  unet: decodeUNetConfig(unetJson, ""),
  vae: decodeVaeConfig(json("tests/reference/sdxl-base/vae_config.json"), ""),
  scheduler: decodeSchedulerConfig({}, ""),
};
const folders = {
  textEncoder: "text_encoder",
  textEncoder2: "text_encoder_2",
  unet: "unet",
  vae: "vae",
} as const;

test("SDXL base's diffusers files hold exactly the required tensors", () => {
  const stored = json("tests/reference/sdxl-base/tensors_diffusers.json");
  const required = requiredTensors(baseConfigs);
  for (const network of networks) {
    assert.deepEqual(Object.fromEntries(required[network]), stored[folders[network]]);
  }
});

test("SDXL base's single file: every tensor is one required tensor's origin, or three's", () => {
  const stored = new Map<string, number[]>(
    Object.entries(json("tests/reference/sdxl-base/tensors_single_file.json")),
  );
  const required = requiredTensors(baseConfigs);
  const prefixes = {
    textEncoder: "conditioner.embedders.0.transformer.",
    textEncoder2: "conditioner.embedders.1.model.",
    unet: "model.diffusion_model.",
    vae: "first_stage_model.",
  };
  const origins = {
    textEncoder: (name: string) => ({ name }),
    textEncoder2: openClipName((name) => stored.has(prefixes.textEncoder2 + name)),
    unet: originalUNetName(baseConfigs.unet),
    vae: originalVaeName(baseConfigs.vae.block_out_channels.length),
  };
  const used = new Map<string, number>();
  for (const network of networks) {
    for (const [name, shape] of required[network]) {
      const origin: { name: string; third?: number; transposed?: true } = origins[network](name);
      const found = stored.get(prefixes[network] + origin.name);
      assert.ok(found !== undefined, `${network} ${name} -> ${origin.name}`);
      const parts = origin.third === undefined ? 1 : 3;
      const size = (sides: readonly number[]) => sides.reduce((a, b) => a * b, 1);
      assert.equal(size(found), size(shape) * parts, name);
      used.set(
        prefixes[network] + origin.name,
        (used.get(prefixes[network] + origin.name) ?? 0) + 1 / parts,
      );
    }
  }
  assert.deepEqual(
    [...stored.keys()].filter((name) => Math.round((used.get(name) ?? 0) * 3) !== 3),
    [],
  );
});

for (
  const model of [
    "tests/golden/a/model",
    "tests/golden/b/model",
    "tests/golden/c/model",
    "sample_data/tiny-sdxl",
  ]
) {
  test(`${model} holds exactly the required tensors`, async () => {
    const configs: ModelConfigs = {
      textEncoder: decodeClipTextConfig(json(`${model}/text_encoder/config.json`), ""),
      textEncoder2: decodeClipTextConfig(json(`${model}/text_encoder_2/config.json`), ""),
      unet: decodeUNetConfig(json(`${model}/unet/config.json`), ""),
      vae: decodeVaeConfig(json(`${model}/vae/config.json`), ""),
      scheduler: decodeSchedulerConfig({}, ""),
    };
    const required = requiredTensors(configs);
    for (const network of networks) {
      const folder = `${root}${model}/${folders[network]}/`;
      const file = readdirSync(folder).find((name) => name.endsWith(".safetensors"))!;
      const { tensors } = await readHeader(folder + file);
      const flat = network === "textEncoder" && model.includes("/b/");
      const found = [...tensors].map((
        [name, { shape }],
      ) => [flat ? `text_model.${name}` : name, shape]);
      assert.deepEqual(Object.fromEntries(required[network]), Object.fromEntries(found));
    }
  });
}

/** Digests of the sorted "name shape" lines of diffusers 0.42's state_dict for relatives of SDXL base. */
const relatives = {
  "ssd1b": {
    config: {
      "mid_block_type": "UNetMidBlock2D",
      "transformer_layers_per_block": [1, [2, 2], [4, 4]],
      "reverse_transformer_layers_per_block": [[4, 4, 10], [2, 1, 1], 1],
    },
    digest: "8af855e1d5fb179837dc3cb8604f2f8af3e17bd6f8fcb9689fc23264d7586a5e",
  },
  "vega": {
    config: { "mid_block_type": "UNetMidBlock2D", "transformer_layers_per_block": [1, 1, 2] },
    digest: "415d68459cd9f8da2cc206c84ac32c173fb2c86c853e1a98f36b4252d1cbd964",
  },
  "koala": {
    config: { "layers_per_block": 1, "transformer_layers_per_block": [1, 2, 6] },
    digest: "03a399adb67e964d2110bab5ce2b663db81cb170ef12861a392f278f43e2e208",
  },
  "no middle": {
    config: {
      "mid_block_type": null,
      "layers_per_block": 1,
      "transformer_layers_per_block": [1, 2, 5],
    },
    digest: "8bd0a66660be48d7e8113983e99934509fff5c6a4049fe0eb148b88ee97f74eb",
  },
  "mixed layers, attention on the finest level, convolutions": {
    config: {
      "down_block_types": [
        "CrossAttnDownBlock2D",
        "DownBlock2D",
        "CrossAttnDownBlock2D",
        "DownBlock2D",
      ],
      "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D", "CrossAttnUpBlock2D"],
      "block_out_channels": [32, 64, 96, 128],
      "layers_per_block": [1, 2, 3, 1],
      "norm_num_groups": 16,
      "cross_attention_dim": 96,
      "transformer_layers_per_block": [2, 1, 3, 1],
      "attention_head_dim": [2, 4, 4, 8],
      "use_linear_projection": false,
      "addition_time_embed_dim": 32,
      "time_embedding_dim": 48,
      "projection_class_embeddings_input_dim": 256,
    },
    digest: "7ced0c31d7878e4723372d8d198922b656409787a12d0eaeb6077bae29d716ca",
  },
};
const digest = (tensors: ReadonlyMap<string, readonly number[]>) =>
  createHash("sha256")
    .update(
      [...tensors].map(([name, shape]) => `${name} ${JSON.stringify(shape)}`).sort().join("\n"),
    )
    .digest("hex");

for (const [name, { config, digest: expected }] of Object.entries(relatives)) {
  test(`the tensors of diffusers for ${name}`, () => {
    const json = { ...unetJson, ...config };
    const unet = decodeUNetConfig(json, name);
    assert.equal(digest(requiredTensors({ ...baseConfigs, unet }).unet), expected);
  });
}

test("the tensors of diffusers for a VAE without middle attention and quant convolutions", () => {
  const plain = {
    "mid_block_add_attention": false,
    "use_quant_conv": false,
    "use_post_quant_conv": false,
    "layers_per_block": 1,
    "block_out_channels": [32, 64],
    "down_block_types": ["DownEncoderBlock2D", "DownEncoderBlock2D"],
    "up_block_types": ["UpDecoderBlock2D", "UpDecoderBlock2D"],
  };
  const vae = decodeVaeConfig(
    { ...json("tests/reference/sdxl-base/vae_config.json"), ...plain },
    "",
  );
  assert.equal(
    digest(requiredTensors({ ...baseConfigs, vae }).vae),
    "0e93b44c80074c1cb4fa20f9a42f40ddb55fb9c5f266906742e438ab875e43a6",
  );
});
