// How many pictures are trained on at each size, for people: a batch never mixes sizes.
import { vaeFactor } from "../../engine/networks/autoencoder.ts";
import type { VaeConfig } from "../../engine/networks/config.ts";
import type { LatentExample } from "../../inversion/artefacts/latents.ts";

/** In pixels, under a model's `configs.vae`. */
export function bucketsNote(
  pictures: readonly LatentExample[],
  vae: Pick<VaeConfig, "block_out_channels">,
): string {
  const factor = vaeFactor(vae);
  const buckets = Map.groupBy(
    pictures,
    ({ views: [{ size: [height, width] }] }) => `${factor * width}x${factor * height}`,
  );
  return `Aspect buckets (width x height): ${
    [...buckets].map(([size, members]) => `${size}: ${members.length}`).join(", ")
  }.`;
}
