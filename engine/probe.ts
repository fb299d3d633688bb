// One of everything the engine computes, from given inputs: how a user checks that a card computes right,
// and how the golden tests check us. Names of inputs and outputs are those of tests/golden/README.md.
// The trap: min-SNR here is in the reference's form, and the masked loss is not divided by the mask's
// mean, because that is what the golden values hold.
import { noiseSchedule } from "./diffusion/noise-schedule.ts";
import { prepareStep } from "./diffusion/objective.ts";
import { type Engine, tensor } from "./engine.ts";
import type { Tensor } from "./device/messages.ts";
import { fault } from "./fault.ts";
import type { StoredTensor } from "./weights/safetensors.ts";

export class ProbeFault extends fault("ProbeFault", "user") {}

const losses = {
  plain: { minSnrGamma: null, masked: false },
  snr5: { minSnrGamma: 5, masked: false },
  mask_snr5: { minSnrGamma: 5, masked: true },
} as const;

/** `inputs`: latents noise t ids1 ids2 time_ids mask rows1 rows2 image. Throws ProbeFault. */
export async function probe(
  engine: Engine,
  inputs: ReadonlyMap<string, StoredTensor>,
): Promise<Map<string, Tensor>> {
  const get = (name: string) => input(inputs, name);
  const latents = get("latents");
  const noise = get("noise");
  const [batch, , height, width] = latents.dims;
  checkSize(latents.dims);
  const captions = {
    ids1: rowsOf(get("ids1"), batch),
    ids2: rowsOf(get("ids2"), batch),
    rows1: get("rows1").data,
    rows2: get("rows2").data,
  };
  const denoising = { timesteps: [...get("t").data], timeIds: rowsOf(get("time_ids"), batch) };
  const schedule = noiseSchedule(engine.model.configs.scheduler);
  const outputs = new Map<string, Tensor>();

  const text = await engine.encodeText(captions);
  outputs.set("te1_hidden", text.hidden1).set("te2_hidden", text.hidden2);
  outputs.set("pooled", text.pooled);

  for (const [name, { minSnrGamma, masked }] of Object.entries(losses)) {
    const prepared = prepareStep({
      shape: latents.dims,
      latents: latents.data,
      noise: noise.data,
      timesteps: denoising.timesteps,
      ...(masked ? { mask: get("mask").data } : {}),
    }, { schedule, minSnrGamma, vMinSnr: "reference", maskNormalise: false });
    const noisy = tensor(prepared.noisy, latents.dims);
    if (!outputs.has("noisy")) {
      outputs.set("noisy", noisy).set("pred", await engine.predict(noisy, denoising, text));
    }
    const { loss, grad1, grad2 } = await engine.trainStep({
      ...captions,
      ...denoising,
      noisy,
      target: tensor(prepared.target, latents.dims),
      weight: tensor(prepared.weight, [batch, 1, height, width]),
    });
    outputs.set(`loss_${name}`, tensor(Float32Array.of(loss), []));
    outputs.set(`grad1_${name}`, tensor(Float32Array.from(grad1), get("rows1").dims));
    outputs.set(`grad2_${name}`, tensor(Float32Array.from(grad2), get("rows2").dims));
  }

  const { mean, logvar } = await engine.encodeImage(get("image"));
  // diffusers bounds the log-variance when it makes the distribution.
  const bounded = logvar.data.map((value) => Math.min(Math.max(value, -30), 20));
  outputs.set("vae_mean", mean).set("vae_logvar", tensor(bounded, logvar.dims));
  outputs.set("vae_decoded", await engine.decodeLatents(mean));
  return outputs;
}

function input(inputs: ReadonlyMap<string, StoredTensor>, name: string): Tensor {
  const stored = inputs.get(name);
  if (stored !== undefined) {
    return tensor(Float32Array.from(stored.data as never, Number), stored.shape);
  }
  throw new ProbeFault({
    tensor: name,
    wanted: "this tensor among the inputs",
    found: [...inputs.keys()].join(", "),
    fix: "Name the inputs as tests/golden/README.md does.",
  });
}

function rowsOf({ data, dims }: Tensor, batch: number): number[][] {
  const width = data.length / batch;
  if (dims[0] === batch) {
    return Array.from({ length: batch }, (_, b) => [...data.slice(b * width, (b + 1) * width)]);
  }
  throw new ProbeFault({
    wanted: `${batch} rows, one for each item of latents`,
    found: `shape [${dims}]`,
    fix: "Give every input the same batch.",
  });
}

function checkSize(dims: readonly number[]): void {
  if (dims.length === 4 && dims[1] === 4) return;
  throw new ProbeFault({
    tensor: "latents",
    wanted: "latents of shape [batch, 4, height, width]",
    found: `[${dims}]`,
    fix: "Encode pictures whose sides are multiples of 8.",
  });
}

/** |a - b| / |b|, Euclidean norms; 0 where both vanish. */
export function relativeError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let difference = 0;
  let norm = 0;
  for (let i = 0; i < b.length; i++) {
    difference += (a[i] - b[i]) ** 2;
    norm += b[i] ** 2;
  }
  return difference === 0 ? 0 : Math.sqrt(difference / norm);
}
