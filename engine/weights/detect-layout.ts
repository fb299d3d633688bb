// Tells from a single file's tensor names and shapes alone what it is: SDXL or one of the things that
// people take for it. The trap: a network's widths may be anything, so a match here only explains a
// refusal; whether a file is usable is decided by the tensors it must hold.
import type { StoredTensors } from "./tensor-source.ts";

export interface DetectedLayout {
  /** What the file seems to be, e.g. "SD 1"; undefined for SDXL and for what is not known. */
  readonly otherModelKind: string | undefined;
  /** What to do when it cannot be used, fitting what it looks like. */
  readonly fix: string;
  /** Its tensors may all fit, and it would still train wrongly. */
  readonly unusable: boolean;
}

/** What people's tools write before a UNet's names. */
export const unetPrefixes = ["model.diffusion_model.", "diffusion_model.", "unet.", "model.", ""];

/** The shape of the first of `names` that the file has below any prefix of a UNet. */
function shapeOf(tensors: StoredTensors, names: readonly string[]): readonly number[] | undefined {
  for (const prefix of unetPrefixes) {
    for (const name of names) {
      const view = tensors.get(prefix + name);
      if (view !== undefined) return view.shape;
    }
  }
  return undefined;
}

const edm = "a model of the EDM formulation (Playground 2.5, CosXL)";
const useBase = "Name an SDXL model; SDXL base is `stabilityai/stable-diffusion-xl-base-1.0`.";

const notTheModel =
  "Name the SDXL model; an embedding to go on from is named as `initial_embedding_file`.";

/** Files that hold no model at all, by a name that only they have. */
const notModels: readonly (readonly [pattern: RegExp, otherModelKind: string, fix: string])[] = [
  [
    /lora[_.](up|down|A|B|unet|te)\b|lora_unet_|lora_te|\.lora_[AB]\.|\.hada_w1|\.lokr_w1|\.oft_/,
    "a LoRA, which only changes a model",
    "Name the SDXL model itself; LoRAs cannot be trained on here.",
  ],
  [
    /^(clip_l|clip_g|emb_params|string_to_param.*)$/,
    "a textual-inversion embedding",
    notTheModel,
  ],
  [/^(control_model|controlnet_cond_embedding)\b|^lllite_/, "a ControlNet", useBase],
  [/^(image_proj|ip_adapter)\./, "an IP-Adapter", useBase],
  [/^adapter\.body\./, "a T2I adapter", useBase],
  [/\bjoint_blocks\./, "SD 3", useBase],
  [/\bdouble_blocks\./, "Flux", useBase],
];

/** bitsandbytes (nf4, int8) and GPTQ add these. */
const quantised = /\.(absmax|quant_map|SCB|qweight)$|quant_state/;

/** diffusers names its only tensor after the word. */
function isLoneEmbedding(tensors: StoredTensors): boolean {
  const [first, ...others] = [...tensors.values()];
  return first !== undefined && others.length === 0 && first.shape.length <= 2 &&
    [768, 1024, 1280].includes(first.shape.at(-1) ?? 0);
}

export function detectLayout(tensors: StoredTensors): DetectedLayout {
  const otherModelKind = (
    what: string | undefined,
    fix = useBase,
    unusable = false,
  ): DetectedLayout => ({
    otherModelKind: what,
    fix,
    unusable,
  });
  const names = [...tensors.keys()];
  if (tensors.has("edm_mean") || tensors.has("edm_vpred.sigma_max")) {
    return otherModelKind(edm, useBase, true);
  }
  if (names.some((name) => quantised.test(name))) {
    const fix = "Take the model's float16, bfloat16 or scaled fp8 version.";
    return otherModelKind("a model quantised in a format that is not read here", fix, true);
  }
  for (const name of names) {
    const hit = notModels.find(([pattern]) => pattern.test(name));
    if (hit !== undefined) return otherModelKind(hit[1], hit[2]);
  }
  if (isLoneEmbedding(tensors)) return otherModelKind("a textual-inversion embedding", notTheModel);
  const input = shapeOf(tensors, ["input_blocks.0.0.weight", "conv_in.weight"]);
  if (input === undefined && names.some((name) => /^(vae\.)?encoder\.conv_in\./.test(name))) {
    return otherModelKind("a VAE", "Name it as `vae_model`, and an SDXL model as `model`.");
  }
  if (input?.[1] === 9) return otherModelKind("an inpainting model (9 input channels)");
  if (input?.[1] === 8) return otherModelKind("an instruct-pix2pix model (8 input channels)");
  const pooled = shapeOf(tensors, ["label_emb.0.0.weight", "add_embedding.linear_1.weight"])?.[1];
  const context = shapeOf(tensors, [
    "input_blocks.4.1.transformer_blocks.0.attn2.to_k.weight",
    "down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.weight",
  ])?.at(-1);
  if (pooled === 5632) return otherModelKind("Kolors");
  if (pooled === 2560 || context === 1280) return otherModelKind("the SDXL refiner");
  if (pooled === undefined && context === 768) return otherModelKind("SD 1");
  if (pooled === undefined && context === 1024) return otherModelKind("SD 2");
  return otherModelKind(undefined, `Take another copy or version of it. ${useBase}`);
}
