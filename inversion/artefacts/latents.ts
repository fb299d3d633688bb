// What encode-latents makes: for every view of every example the VAE's posterior (mean and log-variance,
// not scaled), its time ids, and its mask at latent size.
// A draft of it has all pictures, and of those that are still to be encoded everything but what encoding gives.
// The trap: a training step draws a sample of the posterior; validation takes the mean.
import { Schema } from "effect";
import { artefact, Blob } from "../../runtime/artefact.ts";
import { Size, timeIdFields } from "./examples.ts";

export const LatentView = Schema.Struct({
  /** [height, width] of the latents. */
  size: Size,
  ...timeIdFields,
  flipped: Schema.Boolean,
  /** float32 mean [4, h, w], then log-variance [4, h, w]. */
  posterior: Blob,
  /** float32 [h, w], 0 to 1; null: everything counts. */
  mask: Schema.NullOr(Blob),
});
export type LatentView = typeof LatentView.Type;

export const LatentExample = Schema.Struct({
  /** The example's id. */
  id: Schema.String,
  views: Schema.Array(LatentView).check(Schema.isMinLength(1)),
});
export type LatentExample = typeof LatentExample.Type;

export const Latents = Schema.Struct({
  channels: Schema.Int,
  /** In the order of the examples. */
  train: Schema.Array(LatentExample).check(Schema.isMinLength(1)),
  heldOut: Schema.Array(LatentExample),
});
export type Latents = typeof Latents.Type;

export const latents = artefact("latents", Latents);

/** In a draft, the posterior of what is not encoded yet. */
export const notYet: Blob = { digest: "", bytes: 0 };

/** Whether all views of an example of a draft are encoded. */
export const isEncoded = ({ views }: LatentExample): boolean =>
  views.every(({ posterior }) => posterior.bytes > 0);
