/// <reference lib="dom" />
// @ts-check
// Curves of several runs in one chart, each in a colour of its own with its value in the legend.
// The trap: every run has points at places of its own, so over the common axis a curve has gaps where only
// others have a point (undefined); it is drawn and read across them.
import { metricOf } from "../../../inversion/metrics.js";
import { curveOf } from "../../reading/curves.js";
import { currentAxis } from "./axis.js";
import { createChart } from "./chart.js";

/** @typedef {{x: readonly number[], y: readonly (number | null)[]}} Line */
/** @typedef {{label: string, line: Line}} Overlaid */

const colours = ["accent", "rose", "blue", "amber", "violet", "teal", "slate"];

/** The look of the curve with this number: a colour, dashed when all have been used. @param {number} i */
export const lookOf = (i) => ({
  colour: colours[i % colours.length],
  ...(i < colours.length ? {} : { dash: i < 2 * colours.length ? [7, 4] : [2, 3] }),
});

/**
 * A metric's curve over the axis that is chosen.
 * @param {import("../../reading/curves.js").Curves} curves
 * @param {readonly import("./axis.js").Span[]} spans of the run's attempts
 * @param {string} key of the metric @param {"last" | "smoothed"} which
 * @returns {Line}
 */
export function lineOf(curves, spans, key, which) {
  const found = curveOf(curves, metricOf(key));
  return { x: currentAxis().place(found, spans), y: found[which] };
}

/**
 * All lines over one x. @param {readonly Line[]} lines
 * @returns {(number | null)[][]} x, then a column for each line
 */
function joined(lines) {
  const xs = [...new Set(lines.flatMap(({ x }) => x))].sort((a, b) => a - b);
  const places = new Map(xs.map((x, at) => [x, at]));
  const columns = lines.map(({ x, y }) => {
    /** @type {any[]} */
    const column = new Array(xs.length).fill(undefined);
    x.forEach((each, i) => column[/** @type {number} */ (places.get(each))] = y[i]);
    return column;
  });
  return [xs, ...columns];
}

/**
 * A chart that shows other lines at each update; made anew when their names change.
 * @param {Omit<import("./chart.js").ChartOptions, "curves" | "legend">} options
 */
export function createOverlay(options) {
  const element = document.createElement("div");
  element.className = "wide";
  /** @type {import("./chart.js").Chart | undefined} */
  let chart;
  let names = "";
  return {
    element,
    /** @param {readonly Overlaid[]} all @param {Parameters<import("./chart.js").Chart["update"]>[1]} [more] */
    update(all, more) {
      const wanted = JSON.stringify(all.map(({ label }) => label));
      if (chart === undefined || wanted !== names) {
        chart?.destroy();
        names = wanted;
        const curves = all.map(({ label }, i) => ({ label, ...lookOf(i), width: 2 }));
        chart = createChart({ ...options, curves, legend: true });
        element.replaceChildren(chart.element);
      }
      chart.update(joined(all.map(({ line }) => line)), more);
    },
    remake: () => chart?.remake(),
    destroy: () => chart?.destroy(),
  };
}

/** @typedef {ReturnType<typeof createOverlay>} Overlay */
