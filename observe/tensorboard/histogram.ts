// Histogram buckets as TensorBoard's own writer makes them (plugins/histogram/summary_v2.py), so that
// both readers draw them the same. The trap: of equal values all buckets have no width, and the
// last one counts everything.

/** One bucket: left edge, right edge, count. */
export type Bucket = readonly [left: number, right: number, count: number];

const bucketCount = 30;

/** Equal buckets from the smallest to the largest of `values` (not empty, finite). */
export function histogram(values: readonly number[]): readonly Bucket[] {
  const least = Math.min(...values);
  const most = Math.max(...values);
  const width = (most - least) / bucketCount;
  const last = bucketCount - 1;
  const counts = new Array<number>(bucketCount).fill(0);
  for (const value of values) {
    const index = width === 0 ? last : Math.min(last, Math.floor((value - least) / width));
    counts[index] += 1;
  }
  return counts.map((count, i): Bucket => [
    least + i * width,
    i === last ? most : least + (i + 1) * width,
    count,
  ]);
}
