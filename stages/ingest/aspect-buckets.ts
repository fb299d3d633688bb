// Aspect-ratio buckets: the set of training resolutions of about the same area, and which of them a
// picture goes to. The set is the reference trainer's; the choice is the nearest height / width.
// The trap: two buckets may be equally near; the reference then depends on the order of a Python set,
// here the taller one is taken.
import { fault } from "../../engine/fault.ts";

export class AspectBucketFault extends fault("AspectBucketFault", "user") {}

/** [height, width] in pixels. */
export type Size = readonly [height: number, width: number];

export interface AspectRatioBuckets {
  /** Every bucket has at most about `target_resolution`² pixels. */
  readonly target_resolution: number;
  /** Heights run from `start_dim` to `end_dim` in steps of `divisible_by`; each also as a width. */
  readonly start_dim: number;
  readonly end_dim: number;
  readonly divisible_by: number;
}

/** All buckets, tallest first, none twice. Throws AspectBucketFault when the four numbers cannot fit. */
export function aspectBuckets(options: AspectRatioBuckets): readonly Size[] {
  const { target_resolution, start_dim, end_dim, divisible_by } = options;
  const refuse = (key: string, wanted: string, found: number, fix: string) => {
    throw new AspectBucketFault({
      key: `data_loader.aspect_ratio_buckets.${key}`,
      wanted,
      found: String(found),
      fix,
    });
  };
  for (const key of ["target_resolution", "start_dim", "end_dim"] as const) {
    if (options[key] % divisible_by !== 0) {
      refuse(
        key,
        `a multiple of divisible_by (${divisible_by})`,
        options[key],
        `Use ${Math.max(1, Math.round(options[key] / divisible_by)) * divisible_by}.`,
      );
    }
  }
  if (start_dim > end_dim) {
    refuse("start_dim", `at most end_dim (${end_dim})`, start_dim, "Swap the two.");
  }
  const area = target_resolution * target_resolution;
  if (end_dim * divisible_by > area) {
    refuse(
      "end_dim",
      `at most ${area / divisible_by}, so that the other side is at least ${divisible_by}`,
      end_dim,
      "Lower end_dim.",
    );
  }
  const found = new Map<string, Size>();
  for (let side = start_dim; side <= end_dim; side += divisible_by) {
    const other = Math.floor(Math.floor(area / side) / divisible_by) * divisible_by;
    found.set(`${side}x${other}`, [side, other]).set(`${other}x${side}`, [other, side]);
  }
  return [...found.values()].sort((a, b) => b[0] - a[0] || b[1] - a[1]);
}

/** The bucket whose height / width is nearest to the picture's. */
export function nearestBucket(buckets: readonly Size[], [height, width]: Size): Size {
  const distance = (bucket: Size) => Math.abs(bucket[0] / bucket[1] - height / width);
  return buckets.reduce((best, bucket) => distance(bucket) < distance(best) ? bucket : best);
}
