// Pixels to latents: SDXL's VAE halves three times, so a latent stands for 8 x 8 pixels; a VAE of other
// levels halves more or less often. The trap: a side that is no multiple would be cut off silently.
import { fault } from "../../lib/fault.ts";
import { vaeFactor } from "../networks/autoencoder.ts";

export class LatentSizeFault extends fault("LatentSizeFault", "user") {}

/** Latent height and width of a picture of `height` x `width` pixels under a model's `configs.vae`. Throws LatentSizeFault. */
export function latentSize(
  vae: { readonly block_out_channels: readonly number[] },
  height: number,
  width: number,
): { readonly height: number; readonly width: number } {
  const factor = vaeFactor(vae);
  const fits = (side: number) => side > 0 && side % factor === 0;
  if (fits(height) && fits(width)) return { height: height / factor, width: width / factor };
  const nearest = (side: number) => Math.max(1, Math.round(side / factor)) * factor;
  throw new LatentSizeFault({
    key: "resolution",
    wanted: `a height and width that are multiples of ${factor}, as this model's VAE needs`,
    found: `height ${height}, width ${width}`,
    fix: `The nearest is height ${nearest(height)}, width ${nearest(width)}.`,
  });
}
