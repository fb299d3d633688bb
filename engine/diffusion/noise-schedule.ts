// How much noise a timestep stands for: alphas_cumprod from a scheduler config, with every operation
// rounded to float32 as diffusers does, because checkpoints were trained on those rounded values.
// The trap: with zero terminal SNR the last value is exactly 0 in training, while ODE samplers need a
// finite sigma: diffusers puts 2^-24 there (ComfyUI 4.897e-8), see `sigmasOf`.
import { fault } from "../../lib/fault.ts";
import type { SchedulerConfig } from "../networks/config.ts";
import { cos } from "../random/exact-math.ts";

export class NoiseScheduleFault extends fault("NoiseScheduleFault", "user") {}

export type PredictionType = SchedulerConfig["prediction_type"];

/** How signal and noise mix at each timestep. */
export interface NoiseSchedule {
  /** Signal power left at each timestep; float32 values, falling. */
  readonly alphasCumprod: Float64Array;
  /** What the UNet answers: the noise, or the velocity. */
  readonly predictionType: SchedulerConfig["prediction_type"];
  /** Whether the last timestep holds no signal at all (alphasCumprod ends in 0). */
  readonly zeroTerminalSnr: boolean;
}

const f32 = Math.fround;
const MAX_BETA = 0.999;
const PI = 3.141592653589793;
/** 2^-24, the smallest positive float16. */
const SMALLEST_SIGNAL = 5.960464477539063e-8;

/** As torch.linspace: from both ends towards the middle, each value by one fused multiply-add. */
function linspace(start: number, end: number, count: number): number[] {
  const first = f32(start);
  const last = f32(end);
  const step = f32(f32(last - first) / (count - 1));
  return Array.from(
    { length: count },
    (_, i) => f32(2 * i < count - 1 ? first + step * i : last - step * (count - i - 1)),
  );
}

/** Improved DDPM's cosine schedule. */
function squaredCosine(count: number): number[] {
  const alphaBar = (t: number) => {
    const value = cos((((t + 0.008) / 1.008) * PI) / 2);
    return value * value;
  };
  return Array.from(
    { length: count },
    (_, i) => f32(Math.min(1 - alphaBar((i + 1) / count) / alphaBar(i / count), MAX_BETA)),
  );
}

function betasOf(config: SchedulerConfig): number[] {
  const { beta_start, beta_end, num_train_timesteps: count, trained_betas } = config;
  if (trained_betas !== null) return trained_betas.map(f32);
  switch (config.beta_schedule) {
    case "linear":
      return linspace(beta_start, beta_end, count);
    case "scaled_linear":
      return linspace(Math.sqrt(beta_start), Math.sqrt(beta_end), count).map((x) => f32(x * x));
    case "squaredcos_cap_v2":
      return squaredCosine(count);
  }
}

/** The running product of 1 - beta, kept in float64 and rounded on the way out, as torch.cumprod. */
function cumulativeProduct(betas: readonly number[]): number[] {
  let product = 1;
  return betas.map((beta) => f32(product *= f32(1 - beta)));
}

/** Shifts and scales sqrt(alphasCumprod) to end in 0 (Lin et al. 2023, Algorithm 1). */
function withZeroTerminalSnr(betas: readonly number[]): number[] {
  const roots = cumulativeProduct(betas).map((alpha) => f32(Math.sqrt(alpha)));
  const first = roots[0];
  const last = roots[roots.length - 1];
  const scale = f32(first / f32(first - last));
  const alphasBar = roots.map((root) => f32(f32(root - last) * scale)).map((x) => f32(x * x));
  return alphasBar.map((alpha, i) => f32(1 - (i === 0 ? alpha : f32(alpha / alphasBar[i - 1]))));
}

/**
 * The schedule that a model's scheduler config describes, as diffusers computes it. Throws NoiseScheduleFault
 * where its parts contradict one another.
 */
export function noiseSchedule(config: SchedulerConfig): NoiseSchedule {
  const betas = betasOf(config);
  if (betas.length !== config.num_train_timesteps) {
    throw new NoiseScheduleFault({
      key: "trained_betas",
      wanted: `${config.num_train_timesteps} values, as num_train_timesteps says`,
      found: `${betas.length}`,
      fix: "Correct scheduler/scheduler_config.json",
    });
  }
  const rescaled = config.rescale_betas_zero_snr ? withZeroTerminalSnr(betas) : betas;
  return {
    alphasCumprod: Float64Array.from(cumulativeProduct(rescaled)),
    predictionType: config.prediction_type,
    zeroTerminalSnr: config.rescale_betas_zero_snr,
  };
}

/** Signal-to-noise ratio (a power ratio) at an integer timestep. */
export function signalToNoise(schedule: NoiseSchedule, timestep: number): number {
  const alpha = schedule.alphasCumprod[timestep];
  return alpha / (1 - alpha);
}

/** The noise levels of the ODE samplers, float32, rising with the timestep; finite at SNR 0. */
export function sigmasOf({ alphasCumprod, zeroTerminalSnr }: NoiseSchedule): Float64Array {
  const last = alphasCumprod.length - 1;
  return alphasCumprod.map((alpha, t) => {
    const signal = zeroTerminalSnr && t === last ? SMALLEST_SIGNAL : alpha;
    return f32(Math.sqrt(f32(f32(1 - signal) / signal)));
  });
}
