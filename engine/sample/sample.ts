// Draws one picture: text to latents by a sampler with classifier-free guidance (Ho & Salimans 2022,
// arXiv 2207.12598), latents to pixels by the VAE.
// The trap: without a negative prompt SDXL's unconditional text is zeros, not an encoded empty string.
import type { Tensor } from "../device/messages.ts";
import { guided } from "../diffusion/guidance.ts";
import { unscaleLatents } from "../diffusion/latent-scaling.ts";
import { type SamplerName, samplers } from "../diffusion/samplers/samplers.ts";
import type { SchedulerConfig } from "../networks/config.ts";
import { type Captions, type Conditioning, tensor } from "../session/batch.ts";
import type { Engine } from "../session/engine.ts";

export interface SampleRequest {
  /** One caption; with a negative prompt a second one, the negative, after it. */
  readonly captions: Captions;
  readonly guidance: number;
  readonly sampler: SamplerName;
  readonly steps: number;
  /** Of the latents. */
  readonly height: number;
  readonly width: number;
  /** Original height and width, crop top and left, target height and width, in pixels. */
  readonly timeIds: readonly number[];
  readonly scheduler: SchedulerConfig;
  /** Standard normal noise of `count` values: -1 for the first latents, else for sampler step `i`. */
  readonly noise: (i: number, count: number) => ArrayLike<number>;
  /** Called after each sampler step; what it throws ends the sampling. */
  readonly onStep?: (done: number, latents: Float32Array) => void;
}

/** Latents [1, C, h, w] as the UNet knows them. */
export async function sampleLatents(engine: Engine, request: SampleRequest): Promise<Tensor> {
  const sampler = samplers[request.sampler](request.scheduler, request.steps);
  const shape = [1, engine.model.configs.unet.in_channels, request.height, request.width];
  const count = shape.reduce((product, d) => product * d, 1);
  const twice = request.guidance > 1;
  const text = await textOf(engine, request.captions, twice);
  const first = Float32Array.from(request.noise(-1, count), (x) => x * sampler.initNoiseSigma);
  let state: Parameters<typeof sampler.step>[0] = { latents: first };
  for (const [i, timestep] of sampler.timesteps.entries()) {
    const input = sampler.scaleModelInput(state.latents, i);
    const batch = twice ? 2 : 1;
    const doubled = new Float32Array(batch * count);
    for (let b = 0; b < batch; b++) doubled.set(input, b * count);
    const prediction = await engine.predict(tensor(doubled, [batch, ...shape.slice(1)]), {
      timesteps: Array(batch).fill(timestep),
      timeIds: Array(batch).fill(request.timeIds),
    }, text);
    const [uncond, cond] = [prediction.data.subarray(0, count), prediction.data.subarray(count)];
    const answer = twice ? guided(uncond, cond, request.guidance) : prediction.data;
    const noise = sampler.needsNoise(i) ? request.noise(i, count) : undefined;
    state = sampler.step(state, answer, i, noise);
    request.onStep?.(i + 1, state.latents);
  }
  return tensor(state.latents, shape);
}

/** Pixels [1, 3, H, W] around -1..1. */
export async function samplePicture(engine: Engine, request: SampleRequest): Promise<Tensor> {
  const latents = await sampleLatents(engine, request);
  const unscaled = unscaleLatents(latents.data, engine.model.configs.vae);
  return engine.decodeLatents(tensor(unscaled, latents.dims));
}

/** Unconditional text first, then the caption's, as the two halves of one batch. */
async function textOf(
  engine: Engine,
  captions: Captions,
  twice: boolean,
): Promise<Conditioning> {
  const { context, pooled } = await engine.encodeText(captions);
  if (!twice) return { context: part(context, 0, 1), pooled: part(pooled, 0, 1) };
  const join = (all: Tensor): Tensor => {
    const size = all.data.length / all.dims[0];
    const joined = new Float32Array(2 * size);
    joined.set(all.data.subarray(0, size), size);
    if (all.dims[0] > 1) joined.set(all.data.subarray(size, 2 * size));
    return tensor(joined, [2, ...all.dims.slice(1)]);
  };
  return { context: join(context), pooled: join(pooled) };
}

const part = ({ data, dims }: Tensor, start: number, end: number): Tensor => {
  const size = data.length / dims[0];
  return tensor(data.slice(start * size, end * size), [end - start, ...dims.slice(1)]);
};
