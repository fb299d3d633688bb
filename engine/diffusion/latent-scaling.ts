// Between the VAE's latents and the UNet's: one factor, so that the UNet's have about unit variance.
// The trap: a posterior's mean is a VAE latent, so validation by the mean needs scaling as much as a
// sample does.
import type { VaeConfig } from "../networks/config.ts";

type Scale = Pick<VaeConfig, "scaling_factor">;

/** VAE latents (any shape) as the UNet is trained on them. */
export const scaleLatents = (values: ArrayLike<number>, { scaling_factor }: Scale): Float32Array =>
  Float32Array.from(values, (value) => value * scaling_factor);

/** The inverse: UNet latents as the VAE decodes them. */
export const unscaleLatents = (
  values: ArrayLike<number>,
  { scaling_factor }: Scale,
): Float32Array => Float32Array.from(values, (value) => value / scaling_factor);
