// @ts-check
// The curves of a run, folded from its events: one fold for the server, which keeps all points and thins
// them for who asks (thin-curves.ts), and for the page, which folds live events into what it was given.
// The trap: events of a step come once, but should a step come again (an orphan of a killed attempt), the
// later one counts and what followed the earlier one is dropped.
import { metrics, rowMetrics, valueIn } from "../../inversion/metrics.js";
import { smooth } from "./smoothing.js";

/** @typedef {import("../../inversion/events.ts").RunEvent} RunEvent */
/** @typedef {import("../../inversion/events.ts").RunEventOf<"rows">} RowsEvent */
/** @typedef {import("./smoothing.js").SmoothingState} SmoothingState */

/**
 * Values at the steps of its series; null where the event had none. A thinned column has the least and the
 * greatest of each bucket too.
 * @typedef {object} Column
 * @property {(number | null)[]} last
 * @property {(number | null)[]} [min]
 * @property {(number | null)[]} [max]
 * @property {(number | null)[]} [smoothed]
 * @property {SmoothingState} [smoothing] of the last smoothed value
 */

/** The drawn metrics of one event, by key, with the time of each. @typedef {{step: number[], at: number[],
 *   columns: Record<string, Column>}} Series */

/**
 * One curve for each row; `vocabularyNorms` are 5 %, median and 95 %.
 * @typedef {{name: string, vocabularyNorms: readonly [number, number, number],
 *   norms: (number | null)[][], cosines: (number | null)[][]}} EncoderCurves
 */

/**
 * @typedef {object} Curves
 * @property {Record<string, Series>} series by event
 * @property {{step: number[], encoders: EncoderCurves[]}} rows
 */

const drawn = Map.groupBy(metrics.filter(({ chart }) => chart !== null), ({ event }) => event);

/** @returns {Curves} */
export const emptyCurves = () => ({ series: {}, rows: { step: [], encoders: [] } });

/** The index of the first entry of ascending `sorted` that is not below `value`.
 * @param {readonly number[]} sorted @param {number} value */
export function lowerBound(sorted, value) {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Drops what the arrays hold from `step` on, which is none unless the step comes a second time.
 * @param {number[]} steps @param {number} step @param {() => unknown[][]} others of the same length */
function makeRoom(steps, step, others) {
  if ((steps.at(-1) ?? -Infinity) < step) return;
  const length = lowerBound(steps, step);
  for (const values of [steps, ...others()]) values.length = length;
}

/** @param {Column} column @param {number | null} value */
function append({ last, min, max, smoothed, smoothing }, value) {
  last.push(value);
  min?.push(value);
  max?.push(value);
  if (smoothing !== undefined) smoothed?.push(value === null ? null : smooth(smoothing, value));
}

/** @param {Column} column */
const arraysOf = ({ last, min, max, smoothed }) =>
  [last, min, max, smoothed].filter((each) => each !== undefined);

/** @param {Curves["rows"]} rows @param {RowsEvent} event */
function addRows({ step, encoders }, event) {
  const all = () => encoders.flatMap(({ norms, cosines }) => [...norms, ...cosines]);
  makeRoom(step, event.step, all);
  for (const [i, { name, vocabularyNorms, ...values }] of event.encoders.entries()) {
    const curves = encoders[i] ??= { name, vocabularyNorms, norms: [], cosines: [] };
    Object.assign(curves, { name, vocabularyNorms });
    for (const { key } of rowMetrics) {
      values[key].forEach((value, row) => {
        const curve = curves[key][row] ??= [];
        while (curve.length < step.length) curve.push(null);
        curve.push(value);
      });
    }
  }
  step.push(event.step);
  for (const curve of all()) if (curve.length < step.length) curve.push(null);
}

/**
 * Folds one event into `curves`, which are changed. True when it had something for them.
 * @param {Curves} curves @param {{readonly event: string, readonly [field: string]: unknown}} event
 */
export function extendCurves(curves, event) {
  if (event.event === "rows") {
    addRows(curves.rows, /** @type {any} */ (event));
    return true;
  }
  const { step } = event;
  const found = drawn.get(event.event);
  if (found === undefined || typeof step !== "number") return false;
  const series = curves.series[event.event] ??= { step: [], at: [], columns: {} };
  makeRoom(
    series.step,
    step,
    () => [series.at, ...Object.values(series.columns).flatMap(arraysOf)],
  );
  for (const metric of found) {
    append(series.columns[metric.key] ??= { last: [] }, valueIn(metric, event));
  }
  series.step.push(step);
  series.at.push(Number(event.at));
  return true;
}

/** The last step that `curves` have of events with this tag. @param {Curves} curves @param {string} event */
export const lastStepOf = ({ series, rows }, event) =>
  (event === "rows" ? rows.step : series[event]?.step ?? []).at(-1) ?? -Infinity;

const nothing = { last: [], min: [], max: [], smoothed: [] };

/**
 * The curve of a metric: its steps, their times in milliseconds since 1970, and all that its column may have.
 * @param {Curves} curves @param {{event: string, key: string}} metric
 * @returns {{step: readonly number[], at: readonly number[]} & Record<"last" | "min" | "max" | "smoothed",
 *   readonly (number | null)[]>}
 */
export function curveOf({ series }, { event, key }) {
  const found = series[event];
  const column = found?.columns[key];
  if (column === undefined) return { step: [], at: [], ...nothing };
  const { last, min = last, max = last, smoothed = [] } = column;
  return { step: found.step, at: found.at, last, min, max, smoothed };
}

/**
 * Which point of a thinned curve stands for a step: a point has the last step of its bucket. -1: none does.
 * @param {readonly number[]} steps of the points, rising @param {number} step
 */
export const pointOf = (steps, step) => steps.findIndex((each) => each >= step);
