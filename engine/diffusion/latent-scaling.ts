// Between the VAE's latents and the UNet's: one factor for SDXL, a mean and spread per channel besides
// for VAEs that state them. The trap: a posterior's mean is a VAE latent, so validation by the mean
// needs scaling as much as a sample does.
import type { VaeConfig } from "../networks/config.ts";

export type LatentScale = Pick<
  VaeConfig,
  "scaling_factor" | "shift_factor" | "latents_mean" | "latents_std"
>;

/** Per channel: UNet latent = (VAE latent - shift) * factor. */
function affine(scale: LatentScale, channel: number): { shift: number; factor: number } {
  const { scaling_factor, shift_factor, latents_mean, latents_std } = scale;
  if (latents_mean === null || latents_std === null) {
    return { shift: shift_factor ?? 0, factor: scaling_factor };
  }
  return { shift: latents_mean[channel], factor: scaling_factor / latents_std[channel] };
}

function map(
  values: ArrayLike<number>,
  [, channels, height, width]: readonly number[],
  scale: LatentScale,
  change: (value: number, shift: number, factor: number) => number,
): Float32Array {
  const channelScales = Array.from({ length: channels }, (_, channel) => affine(scale, channel));
  return Float32Array.from({ length: values.length }, (_, i) => {
    const { shift, factor } = channelScales[Math.floor(i / (height * width)) % channels];
    return change(values[i], shift, factor);
  });
}

/** VAE latents of `shape` [B, C, h, w] as the UNet is trained on them. */
export const scaleLatents = (
  values: ArrayLike<number>,
  shape: readonly number[],
  scale: LatentScale,
): Float32Array => map(values, shape, scale, (value, shift, factor) => (value - shift) * factor);

/** The inverse: UNet latents as the VAE decodes them. */
export const unscaleLatents = (
  values: ArrayLike<number>,
  shape: readonly number[],
  scale: LatentScale,
): Float32Array => map(values, shape, scale, (value, shift, factor) => value / factor + shift);
