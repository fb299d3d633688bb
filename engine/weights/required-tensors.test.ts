import assert from "node:assert/strict";
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
import { readHeader } from "./safetensors.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const json = (path: string) => JSON.parse(readFileSync(root + path, "utf8"));

const baseConfigs: ModelConfigs = {
  textEncoder: decodeClipTextConfig(json("tests/reference/sdxl-base/text_encoder_config.json"), ""),
  textEncoder2: decodeClipTextConfig(
    json("tests/reference/sdxl-base/text_encoder_2_config.json"),
    "",
  ),
  unet: decodeUNetConfig(json("tests/reference/sdxl-base/unet_config.json"), ""),
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
