/// <reference lib="dom" />
// @ts-check
// The loss curves of several runs, a chart for each measure, over the axis that is chosen.
import { axisChooser } from "./axis.js";
import { h } from "./dom.js";
import { loss, short } from "./format.js";
import { createOverlay, lineOf } from "./overlay.js";

/**
 * @typedef {object} Measure
 * @property {string} title
 * @property {string} key of the metric
 * @property {"last" | "smoothed"} which
 */

/**
 * @typedef {object} RunCurves
 * @property {string} label
 * @property {import("../../reading/curves.js").Curves} curves
 * @property {readonly import("./axis.js").Span[]} spans of the run's attempts
 */

/** @param {readonly Measure[]} measures @param {number} height */
export function createRunCurves(measures, height) {
  const charts = measures.map(({ title, key, which }) => ({
    overlay: createOverlay({ title, format: loss, tick: short, height }),
    /** @param {RunCurves} run */
    curveOf: ({ label, curves, spans }) => ({ label, line: lineOf(curves, spans, key, which) }),
  }));
  /** @type {readonly RunCurves[]} */
  let shown = [];
  const draw = () => {
    for (const { overlay, curveOf } of charts) overlay.update(shown.map(curveOf));
  };
  const remake = () => {
    for (const { overlay } of charts) overlay.remake();
  };
  return {
    element: h("div", { class: "charts" }, ...charts.map(({ overlay }) => overlay.element)),
    axis: axisChooser(() => {
      remake();
      if (shown.length > 0) draw();
    }),
    /** @param {readonly RunCurves[]} runs */
    update(runs) {
      shown = runs;
      draw();
    },
    remake,
    destroy() {
      for (const { overlay } of charts) overlay.destroy();
    },
  };
}
