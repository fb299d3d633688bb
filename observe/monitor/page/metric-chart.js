/// <reference lib="dom" />
// @ts-check
// The chart of a metric with those that are drawn beside it, each with its range shaded, and its controls.
// The trap: zooming asks the server for the curves between two steps; the chart itself never scales.
import { curveOf, pointOf } from "../../reading/curves.js";
import { currentAxis } from "./axis.js";
import { createChart } from "./chart.js";
import { count, isNumber, scaled, units } from "./format.js";
import { h } from "./dom.js";

/** @typedef {import("../../reading/run-state.js").RunState} RunState */

/**
 * @param {ReturnType<typeof import("../../../inversion/metrics.js").charts>[number]} drawn
 * @param {import("./view.js").Shown} shown
 */
export function createMetricChart({ metric, beside }, { curves }) {
  const { title, hint, unit, chart: { axis, wide = false }, smoothing } = metric;
  const { per, suffix, format, tick } = units[unit];
  const all = [metric, ...beside];
  const weight = h("input", {
    type: "range",
    min: "0",
    max: "0.99",
    step: "0.01",
    value: String(curves.view.smoothing),
    "aria-label": "smoothing of the loss",
    title: "Smoothing: a running average that does not rewrite the past",
  });
  weight.addEventListener("change", () => curves.show({ smoothing: Number(weight.value) }));
  const options = {
    title: title + suffix,
    hint,
    format,
    tick,
    height: wide ? 260 : 170,
    fromZero: axis === "zero",
    logarithmic: false,
    controls: smoothing === undefined ? undefined : h(
      "span",
      { class: "controls" },
      h("label", {}, "smooth ", weight),
      h("label", {}, h("input", { type: "checkbox", on: { change: toggleLogarithm } }), " log"),
    ),
    curves: all.flatMap(({ title, chart: { colour }, smoothing }) => [
      { label: "most", colour, part: /** @type {const} */ ("most") },
      { label: "least", colour, part: /** @type {const} */ ("least") },
      ...(smoothing === undefined ? [{ label: title, colour, width: wide ? 2.2 : 1.8 }] : [
        { label: "raw", colour, faint: true, width: 0.8 },
        { label: "smoothed", colour, width: 2.4 },
      ]),
    ]),
    onZoom: (/** @type {number} */ from, /** @type {number} */ to) => {
      const steps = points.step.filter((_, i) => places[i] >= from && places[i] <= to);
      if (steps.length > 1) curves.show({ from: steps[0], to: steps[steps.length - 1] });
    },
    onZoomOut: () => curves.show({ from: undefined, to: undefined }),
  };
  function toggleLogarithm(/** @type {Event} */ event) {
    options.logarithmic = /** @type {HTMLInputElement} */ (event.target).checked;
    chart.remake();
  }
  /** @type {import("./axis.js").Points} */
  let points = { step: [], at: [] };
  /** Where they lie on the axis. @type {readonly number[]} */
  let places = [];
  const chart = createChart(options);
  if (wide) chart.element.classList.add("wide");
  return {
    ...chart,
    /** @param {RunState} state @param {import("../../reading/curves.js").Curves} data */
    show({ fixedLoss, spans }, data) {
      const found = all.map((each) => curveOf(data, each));
      points = found[0];
      places = currentAxis().place(points, spans);
      chart.element.hidden = found.every(({ last }) => !last.some(isNumber));
      const columns = found.flatMap(({ max, min, last, smoothed }, i) =>
        [max, min, last, ...(all[i].smoothing === undefined ? [] : [smoothed])]
          .map((values) => scaled(values, per))
      );
      const isOutside = fixedLoss === null || fixedLoss.bestStep < (curves.view.from ?? 0);
      const best = isOutside ? -1 : pointOf(points.step, fixedLoss.bestStep);
      const marks = metric.key !== "fixedLoss" || fixedLoss === null || best < 0 ? [] : [{
        x: places[best],
        value: fixedLoss.bestLoss,
        label: `best, step ${count(fixedLoss.bestStep)}`,
        colour: "good",
      }];
      chart.update([places, ...columns], { marks });
    },
  };
}
