/// <reference lib="dom" />
// @ts-check
// Health of the trained rows: their norms against those of the vocabulary (a row far outside drowns the
// rest of a prompt), how far they have turned from where they began, and the words nearest to them.
import { rowMetrics } from "../../../inversion/metrics.js";
import { statusOf } from "../../reading/run-status.js";
import { axes } from "./axis.js";
import { createChart } from "./chart.js";
import { fill, h } from "./dom.js";
import { isNumber, short } from "./format.js";
import { mostLines, rowColours, rowTable } from "./row-table.js";

/** @typedef {import("./view.js").Shown} Shown */
/** @typedef {import("./row-table.js").Encoder} Encoder */

const encoderTitles = { clip_l: "CLIP-L", clip_g: "CLIP-G" };

/** @param {string} name */
const titleOf = (name) => encoderTitles[/** @type {"clip_l"} */ (name)] ?? name;

/** @param {number} rows */
const rowCurves = (rows) =>
  rows <= mostLines
    ? Array.from({ length: rows }, (_, row) => ({
      label: rows === 1 ? "row" : String(row + 1),
      colour: rowColours[row],
      width: 1.8,
    }))
    : [
      { label: "most", colour: "accent", part: /** @type {const} */ ("most") },
      { label: "least", colour: "accent", part: /** @type {const} */ ("least") },
      { label: `mean of ${rows}`, colour: "accent", width: 2 },
    ];

/** @param {readonly (readonly (number | null)[])[]} rows */
function rowColumns(rows) {
  if (rows.length <= mostLines) return rows;
  const over = (/** @type {(values: number[]) => number} */ fold) =>
    rows[0].map((_, at) => fold(rows.map((row) => row[at]).filter((value) => value !== null)));
  return [
    over((values) => Math.max(...values)),
    over((values) => Math.min(...values)),
    over((values) => values.reduce((sum, value) => sum + value, 0) / values.length),
  ];
}

/** @param {Shown} shown @returns {import("./view.js").View} */
export function createRows(shown) {
  const { state, alive } = shown.run.description;
  const element = h(
    "div",
    { class: "rows" },
    h(
      "p",
      { class: "waiting" },
      statusOf(state, alive).kind === "running"
        ? "The rows have not been looked at yet."
        : "The rows were never looked at.",
    ),
  );
  /** @type {Map<string, {charts: readonly import("./chart.js").Chart[], table: HTMLElement,
   *   rows: number}>} */
  const made = new Map();

  const allCharts = () => [...made.values()].flatMap(({ charts }) => charts);

  /** @param {Encoder} encoder */
  const make = (encoder) => {
    const rows = encoder.norms.length;
    const charts = rowMetrics.map(({ title, hint, digits }) =>
      createChart({
        title,
        hint,
        axis: axes.steps,
        format: (value) =>
          digits === null || !isNumber(value) ? short(value) : value.toFixed(digits),
        height: 230,
        curves: rowCurves(rows),
      })
    );
    const table = h("div", {});
    made.set(encoder.name, { charts, table, rows });
    return h(
      "section",
      { class: "encoder" },
      h("h2", {}, titleOf(encoder.name)),
      h("div", { class: "charts" }, ...charts.map((chart) => chart.element)),
      table,
    );
  };

  const updateRun = () => {
    const { rows, words } = shown.run.description.state;
    if (rows === null) return;
    if (rows.some(({ name, norms }) => made.get(name)?.rows !== norms.length)) {
      allCharts().forEach((chart) => chart.destroy());
      made.clear();
      fill(element, ...rows.map(make));
      updateCurves();
    }
    for (const encoder of rows) {
      const table = made.get(encoder.name)?.table;
      if (table !== undefined) fill(table, rowTable(encoder, words[encoder.name] ?? []));
    }
  };

  function updateCurves() {
    const rows = shown.curves.data?.rows;
    for (const encoder of rows?.encoders ?? []) {
      const view = made.get(encoder.name);
      if (rows === undefined || view?.rows !== encoder.norms.length) continue;
      const [from, middle, to] = encoder.vocabularyNorms;
      for (const [i, { key, againstVocabulary }] of rowMetrics.entries()) {
        const range = againstVocabulary ? { from, middle, to } : null;
        view.charts[i].update([rows.step, ...rowColumns(encoder[key])], { range });
      }
    }
  }

  return {
    element,
    update: (what) => what === "run" ? updateRun() : updateCurves(),
    redraw: () => allCharts().forEach((chart) => chart.remake()),
    close: () => allCharts().forEach((chart) => chart.destroy()),
  };
}
