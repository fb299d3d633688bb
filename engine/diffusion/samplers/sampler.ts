// What every sampler is: the timesteps to ask the UNet at, and a pure step from one noise level to the
// next. The trap: a multistep solver needs what the last step estimated, so give each step the state
// that the one before it returned.
import { fault } from "../../../lib/fault.ts";
import type { SchedulerConfig } from "../../networks/config.ts";
import type { PredictionType } from "../noise-schedule.ts";

export class SamplerFault extends fault("SamplerFault", "user") {}
export class SamplerNoiseFault extends fault("SamplerNoiseFault", "defect") {}

/** Where a run stands between steps. Any shape; all arrays of a run have the same length. */
export interface SamplerState {
  readonly latents: Float32Array;
  /** The clean latents that the step before estimated; absent before the first. */
  readonly denoised?: Float64Array;
}

export interface Sampler {
  /** What the UNet is told, first step first; Euler's may be fractional. */
  readonly timesteps: readonly number[];
  /** Noise levels of the ODE samplers, one more than timesteps; empty for DDPM and DDIM. */
  readonly sigmas: readonly number[];
  /** The first latents are standard normal noise times this. */
  readonly initNoiseSigma: number;
  /** Whether step `i` adds fresh noise. */
  readonly needsNoise: (i: number) => boolean;
  /** The latents as the UNet takes them at step `i`. */
  readonly scaleModelInput: (latents: Float32Array, i: number) => Float32Array;
  /**
   * Step `i` with the UNet's (guided) answer; `noise` is standard normal where `needsNoise`, and a
   * SamplerNoiseFault is thrown where it is missing.
   */
  readonly step: (
    state: SamplerState,
    modelOutput: ArrayLike<number>,
    i: number,
    noise?: ArrayLike<number>,
  ) => SamplerState;
}

/** A sampler of `steps` steps for a scheduler config. Throws SamplerFault where they cannot be taken. */
export type SamplerMaker = (config: SchedulerConfig, steps: number) => Sampler;

/**
 * The clean latents behind a sample = alpha * clean + sigma * noise, where alpha^2 + sigma^2 = 1, by
 * what the model answered: the noise, or the velocity alpha * noise - sigma * clean.
 */
export function estimateClean(
  predictionType: PredictionType,
  alpha: number,
  sigma: number,
  sample: ArrayLike<number>,
  modelOutput: ArrayLike<number>,
): Float64Array {
  const values = { length: sample.length };
  return predictionType === "epsilon"
    ? Float64Array.from(values, (_, k) => (sample[k] - sigma * modelOutput[k]) / alpha)
    : Float64Array.from(values, (_, k) => alpha * sample[k] - sigma * modelOutput[k]);
}
