// Fewer points for the screen without hiding spikes: buckets of neighbouring points, each with its
// least, greatest and last value. The page shades least to greatest and draws the last as the line.
// The trap: smooth before thinning, not after.
import { lowerBound } from "./curves.js";

/** Points [start, end) of the columns. */
export interface Bucket {
  readonly start: number;
  readonly end: number;
}

export interface Thinned {
  min: (number | null)[];
  max: (number | null)[];
  last: (number | null)[];
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
export const lasts = <T>(column: readonly T[], parts: readonly Bucket[]): T[] =>
  parts.map(({ end }) => column[end - 1]);

/** Null where a bucket has no value at all. */
export function thin(column: readonly (number | null)[], parts: readonly Bucket[]): Thinned {
  const min: (number | null)[] = [];
  const max: (number | null)[] = [];
  for (const { start, end } of parts) {
    let least: number | null = null;
    let most: number | null = null;
    for (let i = start; i < end; i++) {
      const value = column[i];
      if (value === null) continue;
      if (least === null || value < least) least = value;
      if (most === null || value > most) most = value;
    }
    min.push(least);
    max.push(most);
  }
  return { min, max, last: lasts(column, parts) };
}
