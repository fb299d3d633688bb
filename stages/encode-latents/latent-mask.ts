// A mask brought down to the size of latents, each of which stands for `factor` x `factor` pixels: by the
// first pixel of each area (as the reference's resize with NEAREST does), or by the area's mean.
// The trap: what is white in few pixels may be gone at this size, so this is what says if a mask holds any.
import { fault } from "../../lib/fault.ts";
import { firstFew } from "../../lib/first-few.js";

export class NoWeightFault extends fault("NoWeightFault", "user") {}

/** A view's picture, and whether its mask leaves any weight. */
export interface Weighed {
  readonly id: string;
  readonly hasWeight: boolean;
}

/** For people, about views that teach nothing. Throws NoWeightFault where none teaches anything. */
export function weightWarnings(
  train: readonly Weighed[],
  heldOut: readonly Weighed[],
  downscale: "nearest" | "area",
): readonly string[] {
  const fix = "Make white what shall be learnt" +
    (downscale === "nearest" ? ", or set mask_downscale to area, which keeps small spots." : ".");
  const empty = (views: readonly Weighed[]) => [
    ...new Set(views.filter(({ hasWeight }) => !hasWeight).map(({ id }) => id)),
  ];
  const [black, blackHeldOut] = [empty(train), empty(heldOut)];
  if (train.length > 0 && train.every(({ hasWeight }) => !hasWeight)) {
    throw new NoWeightFault({
      key: "use_masks",
      wanted: "masks that leave something to learn at the size of the latents",
      found: `black ones for ${firstFew(black)}`,
      fix,
    });
  }
  return [
    ...(black.length === 0 ? [] : [
      `A mask is black all over a view of ${
        firstFew(black)
      }, at the size of the latents: nothing is ` +
      `learnt from it. ${fix}`,
    ]),
    ...(blackHeldOut.length === 0 ? [] : [
      `A mask is black all over ${
        firstFew(blackHeldOut)
      }, at the size of the latents: the fixed-input ` +
      "loss there is 0.",
    ]),
  ];
}

export function latentMask(
  mask: Uint8Array,
  [height, width]: readonly [number, number],
  factor: number,
  downscale: "nearest" | "area",
): Float32Array<ArrayBuffer> {
  const [h, w] = [height / factor, width / factor];
  const small = new Float32Array(h * w);
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      const corner = factor * y * width + factor * x;
      small[y * w + x] = downscale === "nearest"
        ? mask[corner] / 255
        : areaMean(mask, width, corner, factor);
    }
  }
  return small;
}

function areaMean(mask: Uint8Array, width: number, corner: number, factor: number): number {
  let sum = 0;
  for (let y = 0; y < factor; y++) {
    for (let x = 0; x < factor; x++) sum += mask[corner + y * width + x];
  }
  return sum / (factor * factor * 255);
}
