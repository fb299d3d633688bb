// The curves of a run with fewer points, for whoever draws them: the page, the report.
// The trap: averages are over all points and are thinned afterwards, never the other way.
import { metrics } from "../../inversion/metrics.js";
import type { Column, Curves, Series } from "./curves.js";
import { newSmoothing, smooth } from "./smoothing.js";
import { type Bucket, buckets, lasts, thin } from "./thin.ts";

export interface CurveRequest {
  /** Most points of a curve. */
  readonly points: number;
  /** Weight of the running averages, in [0, 1), instead of the metrics' own. */
  readonly smoothing?: number;
  /** Steps; both are included. */
  readonly from?: number;
  readonly to?: number;
}

/** Rows are many, each with a curve of its own. */
const mostRowPoints = 300;
const weights = new Map(metrics.map(({ key, smoothing }) => [key, smoothing]));

function average(column: readonly (number | null)[], weight: number) {
  const state = newSmoothing(weight);
  return { state, values: column.map((value) => value === null ? null : smooth(state, value)) };
}

function thinColumn({ last }: Column, parts: readonly Bucket[], weight?: number): Column {
  // As many buckets as points: each is its own least and greatest.
  const thinned = parts.every(({ start, end }) => end === start + 1)
    ? { last: lasts(last, parts) }
    : thin(last, parts);
  if (weight === undefined) return thinned;
  const { state, values } = average(last, weight);
  return { ...thinned, smoothed: lasts(values, parts), smoothing: state };
}

/** At most so many points of each curve; `curves` are as they were. */
export function thinCurves(
  { series, rows }: Curves,
  { points, smoothing, from, to }: CurveRequest,
): Curves {
  const thinSeries = ({ step, at, columns }: Series): Series => {
    const parts = buckets(step, points, from, to);
    const weightOf = (key: string) => weights.get(key) === undefined ? undefined : smoothing;
    return {
      step: lasts(step, parts),
      at: lasts(at, parts),
      columns: Object.fromEntries(
        Object.entries(columns).map(([key, column]) => [
          key,
          thinColumn(column, parts, weightOf(key) ?? weights.get(key)),
        ]),
      ),
    };
  };
  const inRows = buckets(rows.step, Math.min(points, mostRowPoints), from, to);
  const ofRow = (curve: (number | null)[]) => lasts(curve, inRows);
  return {
    series: Object.fromEntries(
      Object.entries(series).map(([event, each]) => [event, thinSeries(each)]),
    ),
    rows: {
      step: lasts(rows.step, inRows),
      encoders: rows.encoders.map(({ norms, cosines, ...encoder }) => ({
        ...encoder,
        norms: norms.map(ofRow),
        cosines: cosines.map(ofRow),
      })),
    },
  };
}
