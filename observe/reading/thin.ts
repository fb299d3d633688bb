// Fewer points for the screen without hiding spikes: buckets of neighbouring points, each with its
// least, greatest and last value. The page shades least to greatest and draws the last as the line.
// The trap: smooth before thinning, not after.

/** Points [start, end) of the columns. */
export interface Bucket {
  readonly start: number;
  readonly end: number;
}

export interface Thinned {
  readonly min: readonly number[];
  readonly max: readonly number[];
  readonly last: readonly number[];
}

/** The index of the first entry of ascending `sorted` that is not below `value`. */
export function lowerBound(sorted: readonly number[], value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** At most `count` buckets over the points whose x is in [from, to]; `xs` is ascending. */
export function buckets(
  xs: readonly number[],
  count: number,
  from = -Infinity,
  to = Infinity,
): readonly Bucket[] {
  const first = lowerBound(xs, from);
  const points = lowerBound(xs, to + 1) - first;
  const made = Math.min(count, points);
  return Array.from({ length: made }, (_, i) => ({
    start: first + Math.floor(i * points / made),
    end: first + Math.floor((i + 1) * points / made),
  }));
}

/** The last value of each bucket. */
export const lasts = <T>(column: readonly T[], parts: readonly Bucket[]): readonly T[] =>
  parts.map(({ end }) => column[end - 1]);

export function thin(column: readonly number[], parts: readonly Bucket[]): Thinned {
  const min: number[] = [];
  const max: number[] = [];
  for (const { start, end } of parts) {
    let least = column[start];
    let most = column[start];
    for (let i = start + 1; i < end; i++) {
      if (column[i] < least) least = column[i];
      if (column[i] > most) most = column[i];
    }
    min.push(least);
    max.push(most);
  }
  return { min, max, last: lasts(column, parts) };
}
