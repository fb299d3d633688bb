// Plans a picture's views from its size alone: which size it is resized to, where it is cropped, and
// what the UNet is told about it. Pure, so that what is unchanged is found again in the cache.
// The trap: random crops hang on the picture's own bytes, not on its place in the list, so a picture
// added to the folder moves no other picture's crops.
import { aspectBuckets, nearestBucket } from "../../config/aspect-buckets.ts";
import { type DataLoader, heightWidth } from "../../config/data.ts";
import { uniforms } from "../../engine/random/draw.ts";
import type { Size } from "../../inversion/artefacts/examples.ts";

export type ViewOptions = Pick<
  DataLoader,
  | "resolution"
  | "aspect_ratio_buckets"
  | "center_crop"
  | "crops_per_image"
  | "random_flip"
  | "crop_left_after_flip"
  | "time_ids_target_size"
>;

export interface PlannedView {
  /** The view's own size. */
  readonly size: Size;
  /** The size the whole picture is resized to. */
  readonly resized: Size;
  /** Where the view is cut out of the resized picture, before mirroring. */
  readonly cut: readonly [top: number, left: number];
  readonly crop: number;
  readonly flipped: boolean;
  readonly original_size: Size;
  readonly crop_top_left: readonly [top: number, left: number];
  readonly target_size: Size;
}

/**
 * `original` is the upright picture's size, `digest` its file's SHA-256 in hex. Every crop comes
 * unflipped first, then, with `random_flip`, mirrored.
 */
export function planViews(
  original: Size,
  digest: string,
  seed: number,
  options: ViewOptions,
): readonly PlannedView[] {
  const { aspect_ratio_buckets, center_crop, random_flip, resolution } = options;
  const fixed = heightWidth(resolution);
  const size = aspect_ratio_buckets === null
    ? fixed
    : nearestBucket(aspectBuckets(aspect_ratio_buckets), original);
  const resized = sizeToCover(original, size);
  const room: Size = [resized[0] - size[0], resized[1] - size[1]];
  const cuts = center_crop || (room[0] === 0 && room[1] === 0)
    ? [[Math.floor(room[0] / 2), Math.floor(room[1] / 2)] as const]
    : randomCuts(room, digest, seed, options.crops_per_image);
  const mirrorWithin = options.crop_left_after_flip === "resized" ? resized[1] : original[1];
  return cuts.flatMap(([top, left], crop) =>
    (random_flip ? [false, true] : [false]).map((flipped) => ({
      size,
      resized,
      cut: [top, left],
      crop,
      flipped,
      original_size: original,
      crop_top_left: [top, flipped ? mirrorWithin - size[1] - left : left],
      target_size: options.time_ids_target_size === "bucket" ? size : fixed,
    }))
  );
}

/** The smallest size of the same shape that covers `size`; the longer side is rounded up. */
function sizeToCover([height, width]: Size, size: Size): Size {
  const byHeight = size[0] / height;
  const byWidth = size[1] / width;
  return byHeight > byWidth
    ? [size[0], Math.ceil(width * byHeight)]
    : [Math.ceil(height * byWidth), size[1]];
}

function randomCuts(room: Size, digest: string, seed: number, count: number): Size[] {
  const item = Number.parseInt(digest.slice(0, 8), 16);
  const draws = uniforms({ seed, purpose: "crop", step: 0, item }, 2 * count);
  return Array.from({ length: count }, (_, crop) => [
    Math.floor(draws[2 * crop] * (room[0] + 1)),
    Math.floor(draws[2 * crop + 1] * (room[1] + 1)),
  ]);
}
