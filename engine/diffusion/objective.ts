// One training step's question to the UNet: noisy latents, the answer wanted, and how much each place
// counts, so that loss = sum(weight * (prediction - target)^2). The weight holds min-SNR, the mask and
// the division by the number of values. The trap: its one channel serves all channels, [B, 1, h, w].
import { fault } from "../../lib/fault.ts";
import { minSnrWeight, type VMinSnr } from "./min-snr.ts";
import { type NoiseSchedule, signalToNoise } from "./noise-schedule.ts";

export class ObjectiveFault extends fault("ObjectiveFault", "defect") {}

export interface ObjectiveOptions {
  readonly schedule: NoiseSchedule;
  /** Bound of the min-SNR weight; null weighs all timesteps alike. */
  readonly minSnrGamma: number | null;
  readonly vMinSnr: VMinSnr;
  /** Divide each item's masked loss by its mask's mean, so that small objects count as much. */
  readonly maskNormalise: boolean;
}

export interface StepInputs {
  /** [B, C, h, w]. */
  readonly shape: readonly number[];
  /** Latents times the VAE's scaling factor, of `shape`. */
  readonly latents: ArrayLike<number>;
  /** Standard normal, of `shape`. */
  readonly noise: ArrayLike<number>;
  /** [B], integers below the schedule's length. */
  readonly timesteps: readonly number[];
  /** [B, 1, h, w], 0 to 1. */
  readonly mask?: ArrayLike<number>;
}

export interface PreparedStep {
  /** [B, C, h, w]. */
  readonly noisy: Float32Array;
  /** [B, C, h, w]: the noise, or the velocity. */
  readonly target: Float32Array;
  /** [B, 1, h, w]. */
  readonly weight: Float32Array;
}

/** All in float64, rounded once. Throws ObjectiveFault where sizes or timesteps do not fit. */
export function prepareStep(inputs: StepInputs, options: ObjectiveOptions): PreparedStep {
  const { shape, latents, noise, timesteps, mask } = inputs;
  const { schedule } = options;
  checkInputs(inputs, schedule);
  const [batch, channels, height, width] = shape;
  const area = height * width;
  const size = channels * area;
  const noisy = new Float32Array(batch * size);
  const target = new Float32Array(batch * size);
  const weight = new Float32Array(batch * area);

  for (let item = 0; item < batch; item++) {
    const alpha = schedule.alphasCumprod[timesteps[item]];
    const signal = Math.sqrt(alpha);
    const spread = Math.sqrt(1 - alpha);
    const velocity = schedule.predictionType === "v_prediction";
    for (let i = item * size; i < (item + 1) * size; i++) {
      noisy[i] = signal * latents[i] + spread * noise[i];
      target[i] = velocity ? signal * noise[i] - spread * latents[i] : noise[i];
    }
    const snrWeight = minSnrWeight(signalToNoise(schedule, timesteps[item]), {
      predictionType: schedule.predictionType,
      gamma: options.minSnrGamma,
      vMinSnr: options.vMinSnr,
    });
    const mean = mask !== undefined && options.maskNormalise ? maskMean(mask, item, area) : 1;
    const factor = mean === 0 ? 0 : snrWeight / (batch * size * mean);
    for (let i = item * area; i < (item + 1) * area; i++) {
      weight[i] = factor * (mask === undefined ? 1 : mask[i]);
    }
  }
  return { noisy, target, weight };
}

function maskMean(mask: ArrayLike<number>, item: number, area: number): number {
  let sum = 0;
  for (let i = item * area; i < (item + 1) * area; i++) sum += mask[i];
  return sum / area;
}

function checkInputs(
  { shape, latents, noise, timesteps, mask }: StepInputs,
  { alphasCumprod }: NoiseSchedule,
): void {
  const [batch, channels, height, width] = shape;
  const values = batch * channels * height * width;
  const sizes: [string, ArrayLike<unknown> | undefined, number][] = [
    ["latents", latents, values],
    ["noise", noise, values],
    ["timesteps", timesteps, batch],
    ["mask", mask, batch * height * width],
  ];
  for (const [key, array, wanted] of sizes) {
    if (array === undefined || array.length === wanted) continue;
    throw new ObjectiveFault({
      key,
      wanted: `${wanted} values for latents of shape [${shape}]`,
      found: `${array.length}`,
      fix: "Give every array of a step the same batch and size",
    });
  }
  for (const timestep of timesteps) {
    if (timestep in alphasCumprod) continue;
    throw new ObjectiveFault({
      key: "timesteps",
      wanted: `integers from 0 to ${alphasCumprod.length - 1}`,
      found: `${timestep}`,
      fix: "Draw timesteps below the schedule's length",
    });
  }
}
