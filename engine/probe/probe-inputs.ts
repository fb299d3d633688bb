// What a probe is given, decoded from a .safetensors file: named as in tests/golden/README.md, every shape,
// dtype and value checked against the model before anything is computed, all findings in one fault.
// Parts may be left out: without `mask` there is no masked loss, without `image` no VAE output, and a file
// may hold the captions alone or the image alone.
// The trap: sizes are names here. `B` is whatever the first tensor that has it says, and binds the others.
import { fault } from "../../lib/fault.ts";
import type { Tensor } from "../device/messages.ts";
import { noiseSchedule } from "../diffusion/noise-schedule.ts";
import { vaeFactor } from "../networks/autoencoder.ts";
import { captionLength } from "../networks/graphs.ts";
import type { Captions, Denoising } from "../session/batch.ts";
import type { Model } from "../weights/model.ts";
import type { StoredTensor } from "../../lib/safetensors/safetensors.ts";

export class ProbeFault extends fault("ProbeFault", "user") {}

export interface ProbeInputs {
  readonly captions: Captions | null;
  readonly denoising:
    | Denoising & {
      /** Both [B, C, h, w], and [B, 1, h, w]. */
      readonly latents: Tensor;
      readonly noise: Tensor;
      readonly mask: Tensor | null;
    }
    | null;
  /** [images, channels, H, W]. */
  readonly image: Tensor | null;
}

type Stored = ReadonlyMap<string, StoredTensor>;
type Finding = readonly [tensor: string, wanted: string, found: string];

interface Wanted {
  readonly type: "float" | "integer" | "number";
  /** A letter is a size that all tensors with that letter share. */
  readonly shape: readonly (number | string)[];
}

const captionNames = ["ids1", "ids2", "rows1", "rows2"] as const;
const denoisingNames = ["latents", "noise", "t", "time_ids"] as const;

function wantedTensors({ configs: { textEncoder, textEncoder2, unet, vae } }: Model) {
  const latents: Wanted = { type: "float", shape: ["B", unet.in_channels, "h", "w"] };
  const ids: Wanted = { type: "integer", shape: ["B", captionLength] };
  return {
    latents,
    noise: latents,
    t: { type: "integer", shape: ["B"] },
    time_ids: { type: "number", shape: ["B", 6] },
    mask: { type: "float", shape: ["B", 1, "h", "w"] },
    ids1: ids,
    ids2: ids,
    rows1: { type: "float", shape: ["rows", textEncoder.hidden_size] },
    rows2: { type: "float", shape: ["rows", textEncoder2.hidden_size] },
    image: { type: "float", shape: ["images", vae.in_channels, "H", "W"] },
  } satisfies Record<string, Wanted>;
}

/**
 * Throws ProbeFault, naming `file`, for whatever does not fit the model, and NoiseScheduleFault where the
 * model has no noise schedule.
 */
export function decodeProbeInputs(stored: Stored, model: Model, file: string): ProbeInputs {
  const findings: Finding[] = missingTensors(stored);
  const sizes = new Map<string, number>();
  for (const [name, wanted] of Object.entries(wantedTensors(model))) {
    const tensor = stored.get(name);
    if (tensor === undefined) continue;
    findings.push(...misfits(name, tensor, wanted, sizes));
  }
  refuse(findings, file);
  findings.push(...wrongValues(stored, model, sizes));
  refuse(findings, file);
  noiseSchedule(model.configs.scheduler);

  const floats = (name: string): Tensor => {
    const { shape, data } = stored.get(name)!;
    return { type: "float32", dims: shape, data: Float32Array.from(data as never, Number) };
  };
  const rowsOf = (name: string): number[][] => {
    const { shape: [count], data } = stored.get(name)!;
    const all = Array.from(data as ArrayLike<number | bigint>, Number);
    const width = all.length / count;
    return Array.from({ length: count }, (_, row) => all.slice(row * width, (row + 1) * width));
  };
  return {
    captions: !stored.has("ids1") ? null : {
      ids1: rowsOf("ids1"),
      ids2: rowsOf("ids2"),
      rows1: floats("rows1").data,
      rows2: floats("rows2").data,
    },
    denoising: !stored.has("latents") ? null : {
      latents: floats("latents"),
      noise: floats("noise"),
      timesteps: rowsOf("t").flat(),
      timeIds: rowsOf("time_ids"),
      mask: stored.has("mask") ? floats("mask") : null,
    },
    image: stored.has("image") ? floats("image") : null,
  };
}

/** What is there decides what else must be there. */
function missingTensors(stored: Stored): Finding[] {
  const denoising = denoisingNames.some((name) => stored.has(name)) || stored.has("mask");
  const captions = denoising || captionNames.some((name) => stored.has(name));
  const needed = [...(captions ? captionNames : []), ...(denoising ? denoisingNames : [])];
  if (needed.length === 0 && !stored.has("image")) {
    const names = [...captionNames, ...denoisingNames, "mask", "image"].join(", ");
    return [[
      names,
      "at least some of these",
      `only ${[...stored.keys()].join(", ") || "nothing"}`,
    ]];
  }
  return needed
    .filter((name) => !stored.has(name))
    .map((name) => [name, "this tensor", "no such tensor"]);
}

const dtypes = { float: "a float dtype", integer: "an integer dtype", number: "a numeric dtype" };
const isInteger = ({ dtype }: StoredTensor) => /^[IU]\d/.test(dtype);
const isFloat = ({ dtype }: StoredTensor) => /^B?F\d/.test(dtype);

function misfits(
  name: string,
  tensor: StoredTensor,
  { type, shape }: Wanted,
  sizes: Map<string, number>,
): Finding[] {
  const found: Finding[] = [];
  const fits = (type !== "float" && isInteger(tensor)) || (type !== "integer" && isFloat(tensor));
  if (!fits) found.push([name, dtypes[type], tensor.dtype]);
  const same = tensor.shape.length === shape.length && shape.every((size, axis) => {
    const here = tensor.shape[axis];
    if (typeof size === "number") return here === size;
    // No rows at all is a model without a placeholder; nothing else may be empty.
    if (here === 0 && size !== "rows") return false;
    if (!sizes.has(size)) sizes.set(size, here);
    return sizes.get(size) === here;
  });
  if (!same) {
    const known = shape.map((size) => {
      const bound = typeof size === "string" ? sizes.get(size) : undefined;
      return bound === undefined ? size : `${size}=${bound}`;
    });
    found.push([name, `shape [${known.join(", ")}]`, `[${tensor.shape.join(", ")}]`]);
  }
  return found;
}

function wrongValues(stored: Stored, model: Model, sizes: ReadonlyMap<string, number>): Finding[] {
  const { textEncoder, textEncoder2, scheduler, vae } = model.configs;
  const rows = sizes.get("rows") ?? 0;
  const limits: readonly (readonly [name: string, below: number, meaning: string])[] = [
    ["ids1", textEncoder.vocab_size + rows, `${textEncoder.vocab_size} tokens and ${rows} rows`],
    ["ids2", textEncoder2.vocab_size + rows, `${textEncoder2.vocab_size} tokens and ${rows} rows`],
    ["t", scheduler.num_train_timesteps, "the scheduler's num_train_timesteps"],
  ];
  const found: Finding[] = [];
  for (const [name, below, meaning] of limits) {
    const values = stored.get(name)?.data as ArrayLike<number | bigint> | undefined;
    const wrong = Array.from(values ?? []).find((value) => value < 0 || value >= below);
    if (wrong === undefined) continue;
    found.push([name, `integers from 0 to ${below - 1} (${meaning})`, `${wrong}`]);
  }
  for (const [name, tensor] of stored) {
    if (!(name in wantedTensors(model)) || !isFloat(tensor)) continue;
    const index = (tensor.data as Float32Array).findIndex((value) => !Number.isFinite(value));
    if (index >= 0) found.push([name, "finite values", `${tensor.data[index]} at value ${index}`]);
  }
  const factor = vaeFactor(vae);
  const [height, width] = [sizes.get("H") ?? 0, sizes.get("W") ?? 0];
  if (height % factor !== 0 || width % factor !== 0) {
    found.push(["image", `sides that are multiples of ${factor}`, `${height} x ${width}`]);
  }
  return found;
}

function refuse(findings: readonly Finding[], file: string): void {
  if (findings.length === 0) return;
  const [[tensor, wanted, found]] = findings;
  const fix = "Name and shape the inputs as tests/golden/README.md does.";
  if (findings.length === 1) throw new ProbeFault({ file, tensor, wanted, found, fix });
  const lines = findings.map(([name, wanted, found]) => `${name}: ${found}, not ${wanted}`);
  throw new ProbeFault({
    file,
    tensor,
    wanted: "inputs that fit the model",
    found: lines.join("; "),
    fix,
  });
}
