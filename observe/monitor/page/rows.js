/// <reference lib="dom" />
// @ts-check
// Health of the trained rows: their norms against those of the vocabulary (a row far outside drowns the
// rest of a prompt), how far they have turned from where they began, and the words nearest to them.
import { rowMetrics } from "../../../inversion/metrics.js";
import { statusOf } from "../../reading/run-status.js";
import { axes } from "./axis.js";
import { createChart } from "./chart.js";
import { fill, h } from "./dom.js";
import { count, isNumber, short } from "./format.js";

/** @typedef {import("./view.js").Shown} Shown */
/** @typedef {import("../../../inversion/events.ts").RunEventOf<"rows">["encoders"][number]} Encoder */

const encoderTitles = { clip_l: "CLIP-L", clip_g: "CLIP-G" };
const rowColours = ["accent", "blue", "amber", "rose", "violet", "teal", "slate", "good"];
/** With more rows than this, the charts show their range instead of each. */
const mostLines = rowColours.length;

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

/** @param {number} norm @param {readonly [number, number, number]} range */
const verdict = (norm, [least, , most]) =>
  norm > most
    ? {
      word: `${(norm / most).toFixed(2)} × the 95 % mark`,
      mood: norm > 1.5 * most ? "bad" : "warn",
    }
    : norm < least
    ? { word: `${(norm / least).toFixed(2)} × the 5 % mark`, mood: "warn" }
    : { word: "as words are", mood: "good" };

/** @param {Encoder} encoder @param {import("../../reading/run-state.js").WordHistory[]} histories */
function rowTable({ norms, cosines, vocabularyNorms, nearest }, histories) {
  const history = (/** @type {number} */ row) =>
    (histories[row] ?? []).slice(-12).flatMap(({ from, word }, i, all) => [
      i > 0 ? h("i", { class: "muted" }, " → ") : null,
      h(
        "span",
        { class: i === all.length - 1 ? "word last" : "word", title: `since step ${from}` },
        shownWord(word),
        h("sub", {}, count(from)),
      ),
    ]);
  return h(
    "div",
    { class: "table-scroller" },
    h(
      "table",
      { class: "row-table" },
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          ...[
            "Row",
            "Norm",
            "Against the vocabulary",
            "Turned",
            "Nearest words now",
            "Nearest word over time",
          ]
            .map((title) => h("th", {}, title)),
        ),
      ),
      h(
        "tbody",
        {},
        ...norms.map((norm, row) => {
          const { word, mood } = verdict(norm, vocabularyNorms);
          return h(
            "tr",
            {},
            h(
              "td",
              {},
              norms.length <= mostLines ? h("i", { class: `dot ${rowColours[row]}` }) : null,
              row + 1,
            ),
            h("td", {}, short(norm)),
            h("td", {}, h("span", { class: `tag ${mood}` }, word)),
            h("td", { title: "angle to where the row began" }, `${degrees(cosines[row])}°`),
            h(
              "td",
              { class: "words" },
              ...(nearest[row] ?? []).slice(0, 5).map(([near, cosine]) =>
                h(
                  "span",
                  { class: "word", title: `cosine ${cosine.toFixed(3)}` },
                  shownWord(near),
                  bar(cosine),
                )
              ),
            ),
            h("td", { class: "words" }, ...history(row)),
          );
        }),
      ),
    ),
  );
}

/** A token may be bytes that are no letters; those are shown by their numbers. @param {string} word */
const shownWord = (word) =>
  word.replace(/[\p{C}\ufffd]/gu, (sign) => `⟨${(sign.codePointAt(0) ?? 0).toString(16)}⟩`);

const degrees = (/** @type {number} */ cosine) =>
  (Math.acos(Math.min(1, Math.max(-1, cosine))) * 180 / Math.PI).toFixed(1);

/** @param {number} cosine */
function bar(cosine) {
  const full = h("i", { class: "cosine" }, h("i"));
  full.firstElementChild.style.width = `${Math.max(0, Math.min(1, cosine)) * 100}%`;
  return full;
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
