// A draw from the VAE's posterior: latents are stored as mean and log-variance, and every training
// step sees another sample of them. The trap: the sample is not yet scaled for the UNet; that is
// `scaleLatents`.
import { exp } from "../random/exact-math.ts";

export interface Posterior {
  /** [B, C, h, w], as the encoder gives it. */
  readonly mean: ArrayLike<number>;
  /** [B, C, h, w]; taken between -30 and 20, as diffusers does. */
  readonly logvar: ArrayLike<number>;
}

/** mean + exp(logvar / 2) * noise, [B, C, h, w]; `noise` is standard normal. */
export function samplePosterior(
  { mean, logvar }: Posterior,
  noise: ArrayLike<number>,
): Float64Array {
  return Float64Array.from({ length: mean.length }, (_, i) => {
    const deviation = exp(0.5 * Math.min(Math.max(logvar[i], -30), 20));
    return mean[i] + deviation * noise[i];
  });
}
