import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { detectLayout } from "./detect-layout.ts";
import { bundledConfigs } from "./folder-configs.ts";
import { locate } from "./locate.ts";
import type { ModelFinding } from "./model-fault.ts";
import { networks, requiredTensors } from "./required-tensors.ts";
import { singleFileSources } from "./single-file.ts";
import type { StoredTensors } from "./tensor-source.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const base: Record<string, number[]> = JSON.parse(
  readFileSync(`${root}tests/reference/sdxl-base/tensors_single_file.json`, "utf8"),
);

function stored(shapes: Readonly<Record<string, readonly number[]>>): StoredTensors {
  return new Map(
    Object.entries(shapes).map(([name, shape]) => {
      const bytes = 2 * shape.reduce((product, side) => product * side, 1);
      return [name, { name, dtype: "F16" as const, shape, file: "f", offset: 0, bytes }];
    }),
  );
}

test("SDXL base's own table is SDXL, and every network is found completely", async () => {
  const tensors = stored(base);
  assert.equal(detectLayout(tensors).otherModelKind, undefined);
  const { configs } = await bundledConfigs();
  const sources = singleFileSources({ file: "f", tensors, metadata: {} }, configs);
  const required = requiredTensors(configs);
  const findings: ModelFinding[] = [];
  for (const network of networks) {
    assert.equal(
      locate(required[network], sources[network]!, findings).size,
      required[network].size,
    );
  }
  assert.deepEqual(findings, []);
});

const unet = "model.diffusion_model.";
const toK = "input_blocks.4.1.transformer_blocks.0.attn2.to_k.weight";
const cases: readonly (readonly [string, Readonly<Record<string, readonly number[]>>, RegExp])[] = [
  [
    "SD 1",
    { [`${unet}input_blocks.0.0.weight`]: [320, 4, 3, 3], [unet + toK]: [640, 768] },
    /^SD 1$/,
  ],
  [
    "SD 2",
    { [`${unet}input_blocks.0.0.weight`]: [320, 4, 3, 3], [unet + toK]: [640, 1024] },
    /^SD 2$/,
  ],
  ["the refiner", {
    ...base,
    [`${unet}label_emb.0.0.weight`]: [1536, 2560],
    [unet + toK]: [768, 1280],
  }, /refiner/],
  ["Kolors", { ...base, [`${unet}label_emb.0.0.weight`]: [1280, 5632] }, /Kolors/],
  ["inpainting", { ...base, [`${unet}input_blocks.0.0.weight`]: [320, 9, 3, 3] }, /inpainting/],
  ["instruct-pix2pix", { ...base, [`${unet}input_blocks.0.0.weight`]: [320, 8, 3, 3] }, /pix2pix/],
  ["inpainting in diffusers' names", { "conv_in.weight": [320, 9, 3, 3] }, /inpainting/],
  ["SD 3", { [`${unet}joint_blocks.0.x_block.attn.qkv.weight`]: [1, 1] }, /SD 3/],
  ["Flux", { "double_blocks.0.img_attn.qkv.weight": [1, 1] }, /Flux/],
  ["a kohya LoRA", { "lora_unet_input_blocks_4_1_proj_in.lora_down.weight": [8, 640] }, /LoRA/],
  ["a PEFT LoRA", { "unet.down_blocks.1.attentions.0.proj_in.lora_A.weight": [8, 640] }, /LoRA/],
  ["an old diffusers LoRA", {
    "unet.mid_block.attentions.0.transformer_blocks.0.attn1.processor.to_q_lora.down.weight": [
      4,
      8,
    ],
  }, /LoRA/],
  ["diffusers' embedding", { "<gnome>": [4, 768] }, /embedding/],
  ["a ControlNet-LLLite", { "lllite_unet_input_blocks_4_1.depth1.0.weight": [8, 3] }, /ControlNet/],
  ["an IP-Adapter", { "ip_adapter.1.to_k_ip.weight": [640, 2048] }, /IP-Adapter/],
  ["a VAE", { "encoder.conv_in.weight": [128, 3, 3, 3] }, /^a VAE$/],
  ["an embedding", { clip_l: [4, 768], clip_g: [4, 1280] }, /embedding/],
  ["a ControlNet", { "control_model.input_blocks.0.0.weight": [320, 4, 3, 3] }, /ControlNet/],
];
for (const [what, shapes, expected] of cases) {
  test(`recognised: ${what}`, () => {
    assert.match(detectLayout(stored(shapes)).otherModelKind ?? "", expected);
  });
}

test("files that fit and would still train wrongly are unusable", () => {
  for (
    const marker of [
      "edm_mean",
      "edm_vpred.sigma_max",
      `${unet}out.2.weight.absmax`,
    ]
  ) {
    assert.equal(detectLayout(stored({ ...base, [marker]: [] })).unusable, true, marker);
  }
  assert.equal(detectLayout(stored({ ...base, scaled_fp8: [0] })).unusable, false);
});
