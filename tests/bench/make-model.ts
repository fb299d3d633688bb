// Writes a random SDXL of a fraction of the real width (1 is the real size) as a diffusers folder that
// diffusers loads too:
//   deno run -A tests/bench/make-model.ts OUT [--width 0.25] [--dtype float16|bfloat16|float32]
// The trap: values repeat with a prime period, so that billions of them cost seconds; they serve timing
// and memory, not statistics.
import { copyFile, mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import {
  decodeClipTextConfig,
  decodeSchedulerConfig,
  decodeUNetConfig,
  decodeVaeConfig,
} from "../../engine/networks/config.ts";
import { normals } from "../../engine/random/draw.ts";
import { writeAtomically } from "../../lib/atomic-file.ts";
import { toBytes } from "../../lib/safetensors/convert.ts";
import { type RequiredTensors, requiredTensors } from "../../engine/weights/required-tensors.ts";
import { type TensorToWrite, writeSafetensors } from "../../lib/safetensors/safetensors.ts";

const engine = join(import.meta.dirname!, "../../engine");
const stored = { float32: "F32", float16: "F16", bfloat16: "BF16" } as const;

export interface RandomModel {
  /** Fraction of SDXL's widths. */
  readonly width: number;
  readonly dtype: keyof typeof stored;
}

type Json = Record<string, unknown>;

const baseConfig = async (name: string): Promise<Json> =>
  JSON.parse(await readFile(join(engine, "weights/sdxl-base", name), "utf8"));

/** The configs of SDXL base with narrower layers; heads stay 64 wide. */
async function scaledConfigs(width: number) {
  const scaled = (full: number, multiple: number) =>
    Math.max(multiple, Math.floor(full * width / multiple) * multiple);
  const [hidden1, hidden2] = [scaled(768, 64), scaled(1280, 64)];
  const channels = [320, 640, 1280].map((full) => scaled(full, 64));
  const text = (hidden: number) => ({
    hidden_size: hidden,
    intermediate_size: 4 * hidden,
    num_attention_heads: hidden / 64,
    projection_dim: hidden,
    // Its 1.0 would be written as 1, which transformers refuses.
    initializer_factor: undefined,
  });
  return {
    text_encoder: { ...await baseConfig("text_encoder_config.json"), ...text(hidden1) },
    text_encoder_2: { ...await baseConfig("text_encoder_2_config.json"), ...text(hidden2) },
    unet: {
      ...await baseConfig("unet_config.json"),
      _class_name: "UNet2DConditionModel",
      block_out_channels: channels,
      attention_head_dim: channels.map((count) => count / 64),
      cross_attention_dim: hidden1 + hidden2,
      projection_class_embeddings_input_dim: hidden2 + 6 * 256,
    },
    vae: {
      ...await baseConfig("vae_config.json"),
      _class_name: "AutoencoderKL",
      block_out_channels: [128, 256, 512, 512].map((full) => scaled(full, 32)),
    },
    scheduler: await baseConfig("scheduler_config.json"),
  };
}

/** Prime, so that the rows of a matrix are not copies of each other. */
const period = 65521;

/** Weights as layers start out: scales 1, matrices with a deviation of 0.58 / sqrt(inputs). */
function tensors(required: RequiredTensors, dtype: keyof typeof stored) {
  const noise = normals({ seed: 0, purpose: "random weights", step: 0, item: 0 }, period);
  const random = (deviation: number) =>
    toBytes(Float32Array.from(noise, (value) => value * deviation), stored[dtype]);
  const ones = toBytes(new Float32Array(period).fill(1), stored[dtype]);
  return new Map([...required].map(([name, shape]): [string, TensorToWrite] => {
    const pattern = () => {
      if (shape.length === 1) return name.endsWith("weight") ? ones : random(0.02);
      return random(name.includes("embedding.") ? 0.02 : 0.58 / Math.sqrt(sizeOf(shape.slice(1))));
    };
    const bytes = sizeOf(shape) * (dtype === "float32" ? 4 : 2);
    return [name, { dtype: stored[dtype], shape, data: () => repeated(pattern(), bytes) }];
  }));
}

const sizeOf = (shape: readonly number[]) => shape.reduce((product, side) => product * side, 1);

function* repeated(pattern: Uint8Array, bytes: number): Generator<Uint8Array> {
  const long = new Uint8Array(pattern.length * Math.min(64, Math.ceil(bytes / pattern.length)));
  for (let at = 0; at < long.length; at += pattern.length) long.set(pattern, at);
  for (let done = 0; done < bytes; done += long.length) yield long.subarray(0, bytes - done);
}

async function writeTokenizer(folder: string, pad: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const file of ["vocab.json", "merges.txt"]) {
    await copyFile(join(engine, "text/clip", file), join(folder, file));
  }
  const end = "<|endoftext|>";
  const special = {
    bos_token: "<|startoftext|>",
    eos_token: end,
    unk_token: end,
    pad_token: pad,
  };
  await writeJson(join(folder, "special_tokens_map.json"), special);
  await writeJson(join(folder, "tokenizer_config.json"), {
    ...special,
    add_prefix_space: false,
    do_lower_case: true,
    errors: "replace",
    model_max_length: 77,
    tokenizer_class: "CLIPTokenizer",
  });
}

const writeJson = (path: string, json: Json) =>
  writeAtomically(path, [new TextEncoder().encode(JSON.stringify(json, null, 2))]);

const components = {
  text_encoder: ["transformers", "CLIPTextModel"],
  text_encoder_2: ["transformers", "CLIPTextModelWithProjection"],
  tokenizer: ["transformers", "CLIPTokenizer"],
  tokenizer_2: ["transformers", "CLIPTokenizer"],
  unet: ["diffusers", "UNet2DConditionModel"],
  vae: ["diffusers", "AutoencoderKL"],
  scheduler: ["diffusers", "EulerDiscreteScheduler"],
};

/** Writes the folder `out`. Throws DiskFault when the disk is full. */
export async function makeModel(out: string, { width, dtype }: RandomModel): Promise<void> {
  const json = await scaledConfigs(width);
  const required = requiredTensors({
    textEncoder: decodeClipTextConfig(json.text_encoder, out),
    textEncoder2: decodeClipTextConfig(json.text_encoder_2, out),
    unet: decodeUNetConfig(json.unet, out),
    vae: decodeVaeConfig(json.vae, out),
    scheduler: decodeSchedulerConfig(json.scheduler, out),
  });
  const files = {
    "text_encoder/model": required.textEncoder,
    "text_encoder_2/model": required.textEncoder2,
    "unet/diffusion_pytorch_model": required.unet,
    "vae/diffusion_pytorch_model": required.vae,
  };
  for (const [file, shapes] of Object.entries(files)) {
    const path = join(out, `${file}.safetensors`);
    await writeSafetensors(path, tensors(shapes, dtype), { format: "pt" });
    await writeJson(join(dirname(path), "config.json"), json[dirname(file) as keyof typeof json]);
  }
  await writeJson(join(out, "scheduler/scheduler_config.json"), json.scheduler);
  await writeTokenizer(join(out, "tokenizer"), "<|endoftext|>");
  await writeTokenizer(join(out, "tokenizer_2"), "!");
  const index = { _class_name: "StableDiffusionXLPipeline", force_zeros_for_empty_prompt: true };
  await writeJson(join(out, "model_index.json"), { ...index, ...components });
}

if (pathToFileURL(process.argv[1] ?? "").href === import.meta.url) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      width: { type: "string", default: "0.25" },
      dtype: { type: "string", default: "float32" },
    },
  });
  await makeModel(positionals[0], {
    width: Number(values.width),
    dtype: values.dtype as RandomModel["dtype"],
  });
}
