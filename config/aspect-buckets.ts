// Aspect-ratio buckets: the set of training resolutions of about the same area, and which of them a
// picture goes to. The set is the reference trainer's; the choice is the nearest height / width. That
// the four numbers fit together, reading the configuration has checked.
// The trap: two buckets may be equally near; the reference then depends on the order of a Python set,
// here the taller one is taken.
import type { AspectRatioBuckets } from "./data.ts";

/** [height, width] in pixels. */
type Size = readonly [height: number, width: number];

/** All buckets, tallest first, none twice. */
export function aspectBuckets(
  { target_resolution, start_dim, end_dim, divisible_by }: AspectRatioBuckets,
): readonly Size[] {
  const area = target_resolution * target_resolution;
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
