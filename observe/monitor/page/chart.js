/// <reference lib="dom" />
// @ts-check
// One chart: uPlot drawing into a figure with a title, a readout that follows the pointer, and a table
// for screen readers. Dragging zooms all charts of a run, a double click shows everything again.
// The trap: colours are read from the style sheet when a chart is made, so it is made anew when the theme changes.
// (uPlot's address is right twice: for tools as a path, and in a browser, which drops the "..".)
import uPlotModule from "../../../node_modules/uplot/dist/uPlot.esm.js";
import { currentAxis } from "./axis.js";
import { colourOf, drawMarks, drawRange, tint } from "./chart-drawing.js";
import { isLine, readings, tableOf } from "./chart-words.js";
import { fill, h, setText } from "./dom.js";

/**
 * @typedef {object} Curve
 * @property {string} label
 * @property {string} colour name of a colour in the style sheet, e.g. "accent"
 * @property {number} [width]
 * @property {boolean} [faint]
 * @property {number[]} [dash]
 * @property {"line" | "least" | "most"} [part] least and most bound a shaded band
 * @property {string} [scale]
 */

/**
 * @typedef {object} ChartOptions
 * @property {string} title
 * @property {string} [hint] one line on how to read it
 * @property {readonly Curve[]} curves
 * @property {(value: number | null | undefined) => string} format
 * @property {(value: number) => string} [tick] of the axis; else as `format`
 * @property {number} [height]
 * @property {boolean} [fromZero]
 * @property {boolean} [logarithmic]
 * @property {(from: number, to: number) => void} [onZoom] in the measure of the axis
 * @property {() => void} [onZoomOut]
 * @property {Node} [controls]
 * @property {import("./axis.js").Axis} [axis] left out: the one that is chosen on the page
 * @property {boolean} [legend] names every curve beside its value, also where it has no point of its own: of
 *   curves of several runs, whose points lie at different places
 */

/** @type {any} */
const uPlot = uPlotModule;
const describedEvery = 3000;

/** @typedef {import("./chart-drawing.js").Mark} Mark */
/** @typedef {import("./chart-drawing.js").Range} Range */

/**
 * @param {[number, number]} range
 * @param {ChartOptions} options
 * @param {boolean} marked needs room for a label below
 * @returns {[number, number]}
 */
function niceRange([least, most], { fromZero, logarithmic }, marked) {
  if (logarithmic) return uPlot.rangeLog(least, most, 10, false);
  if (least === most) {
    const around = Math.abs(least) * 0.05 || 1;
    return [fromZero ? Math.min(0, least) : least - around, most + around];
  }
  const room = (most - least) * 0.08;
  return [fromZero && least >= 0 ? 0 : least - room * (marked ? 2.2 : 1), most + room];
}

/** @param {ChartOptions} options */
export function createChart(options) {
  const { title, hint, curves, format, tick = format, height = 220, controls, legend = false } =
    options;
  const axisNow = () => options.axis ?? currentAxis();
  const readout = h("output", { class: "readout" });
  const canvas = h("div", { class: "canvas" });
  const table = h("table");
  const figure = h(
    "figure",
    { class: "chart", role: "figure", "aria-label": title },
    h(
      "figcaption",
      {},
      h("span", { class: "chart-title", title: hint }, title),
      readout,
      controls ?? null,
    ),
    canvas,
    // A table ignores the width that hides it.
    h("div", { class: "for-readers" }, table),
  );
  /** @type {any} */
  let plot;
  /** @type {(readonly (number | null)[])[]} */
  let data = [[], ...curves.map(() => [])];
  /** @type {readonly Mark[]} */
  let marks = [];
  /** @type {Range | null} */
  let range = null;

  const wording = () => ({ curves, format, legend, say: axisNow().say });

  const showReadout = (/** @type {number | null | undefined} */ at) => {
    const last = data[0].length - 1;
    if (last < 0) setText(readout, "");
    else fill(readout, ...readings(data, at ?? last, wording()));
  };

  const series = () => [
    {},
    ...curves.map((curve) => {
      const { label, colour, width = 1.6, faint, dash, scale = "y" } = curve;
      const line = isLine(curve);
      return {
        label,
        scale,
        width: line ? width : 0,
        dash,
        stroke: line ? (faint ? tint(colour, 0.55) : colourOf(colour)) : "transparent",
        points: {
          show: (/** @type {any} */ _u, /** @type {number} */ i) =>
            line && data[0].length > 0 && data[0].length < 3 && i > 0,
          size: 5,
          fill: colourOf(colour),
        },
        spanGaps: false,
      };
    }),
  ];

  const bands = () =>
    curves.flatMap(({ part, colour }, i) =>
      part === "most" ? [{ series: [i + 1, i + 2], fill: tint(colour, 0.16) }] : []
    );

  const axis = () => ({
    stroke: colourOf("muted"),
    grid: { stroke: tint("ink", 0.07), width: 1 },
    ticks: { show: false },
    font: "11px ui-sans-serif, system-ui, sans-serif",
  });

  const make = () => {
    plot?.destroy();
    const narrow = canvas.clientWidth < 460;
    plot = new uPlot(
      {
        width: Math.max(200, canvas.clientWidth),
        height,
        legend: { show: false },
        cursor: {
          sync: { key: "steps", scales: ["x", null] },
          drag: { x: true, y: false, setScale: false },
          points: { size: 6 },
        },
        scales: {
          x: { time: false },
          y: {
            distr: options.logarithmic ? 3 : 1,
            range: (/** @type {any} */ _u, /** @type {number} */ a, /** @type {number} */ b) =>
              a === null || b === null ? [0, 1] : niceRange(
                range === null ? [a, b] : [Math.min(a, range.from), Math.max(b, range.to)],
                options,
                marks.length > 0,
              ),
          },
        },
        axes: [
          {
            ...axis(),
            size: 26,
            space: 70,
            incrs: axisNow().increments,
            values: (
              /** @type {any} */ _u,
              /** @type {number[]} */ v,
              /** @type {number} */ _axis,
              /** @type {number} */ _space,
              /** @type {number} */ increment,
            ) => v.map((x) => axisNow().tick(x, increment)),
          },
          {
            ...axis(),
            size: narrow ? 46 : 54,
            values: (/** @type {any} */ _u, /** @type {number[]} */ v) =>
              v.map((value) => value === null ? "" : tick(value)),
          },
        ],
        series: series(),
        bands: bands(),
        hooks: {
          drawClear: [(/** @type {any} */ u) => drawRange(u, range)],
          draw: [(/** @type {any} */ u) => drawMarks(u, marks, uPlot.pxRatio)],
          setCursor: [(/** @type {any} */ u) => showReadout(u.cursor.idx)],
          setSelect: [(/** @type {any} */ u) => {
            const { left, width } = u.select;
            if (width < 6) return;
            options.onZoom?.(u.posToVal(left, "x"), u.posToVal(left + width, "x"));
            u.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
          }],
        },
      },
      data,
      canvas,
    );
    plot.over.addEventListener("dblclick", () => options.onZoomOut?.());
  };

  const resized = new ResizeObserver(() => {
    const width = canvas.clientWidth;
    if (width === 0) return;
    if (plot === undefined) make();
    else if (Math.abs(width - plot.width) > 1) plot.setSize({ width, height });
  });
  resized.observe(canvas);

  let described = -describedEvery;
  const describe = () => {
    if (performance.now() - described < describedEvery) return;
    described = performance.now();
    fill(table, ...tableOf(title, data, wording()));
  };

  return {
    element: figure,
    /**
     * @param {readonly (readonly (number | null)[])[]} columns x, then one for each curve
     * @param {{marks?: readonly Mark[], range?: Range | null}} [more]
     */
    update(columns, more = {}) {
      data = [...columns];
      marks = more.marks ?? [];
      range = more.range ?? null;
      plot?.setData(data);
      if (plot?.cursor.idx === null || plot?.cursor.idx === undefined) showReadout(null);
      describe();
    },
    /** After a change of theme or of `options`. */
    remake() {
      if (plot !== undefined) make();
    },
    destroy() {
      resized.disconnect();
      plot?.destroy();
    },
  };
}

/** @typedef {ReturnType<typeof createChart>} Chart */
