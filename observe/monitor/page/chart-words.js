/// <reference lib="dom" />
// @ts-check
// A chart in words: the readout of the values under the pointer, and the table for screen readers, since a canvas
// has none.
// The trap: of several runs each curve has points at places of its own, so it is read at its last one before.
import { h } from "./dom.js";
import { isNumber } from "./format.js";

/**
 * What is read of a curve; least and most bound a shaded band.
 * @typedef {{label: string, colour: string, dash?: number[], part?: "line" | "least" | "most"}} Curve
 */
/** x, then one for each curve. @typedef {readonly (readonly (number | null)[])[]} Columns */

/**
 * @typedef {object} Wording
 * @property {readonly Curve[]} curves
 * @property {(value: number | null | undefined) => string} format
 * @property {boolean} legend
 * @property {import("./axis.js").Axis["say"]} say
 */

const tableRows = 12;

/** Not the bound of a band. @param {Curve} curve */
export const isLine = ({ part = "line" }) => part === "line";

/** @param {readonly unknown[]} column @param {number} index */
function lastPoint(column, index) {
  let at = index;
  while (at > 0 && column[at] === undefined) at--;
  return at;
}

/** Whether a curve ended at `at`, before `index`. @param {readonly unknown[]} column @param {number} at @param {number} index */
const endsBefore = (column, at, index) =>
  at < index && column.slice(index).every((value) => value === undefined);

/** What is said of the points at `index`. @param {Columns} data @param {number} index @param {Wording} wording */
export function readings([xs, ...columns], index, { curves, format, legend, say }) {
  const said = curves.map((curve, i) => ({ curve, column: columns[i] }))
    .map(({ curve, column }) => ({ curve, column, at: legend ? lastPoint(column, index) : index }))
    .map((each) => ({ ...each, value: each.column[each.at] }))
    .filter(({ curve, value }) => isLine(curve) && (legend || isNumber(value)));
  return [
    h("span", { class: "muted" }, say(/** @type {number} */ (xs[index]))),
    ...said.map(({ curve: { label, colour, dash }, column, at, value }) =>
      h(
        "span",
        { class: "reading", title: label },
        h("i", { class: `dot ${colour}${dash === undefined ? "" : " dashed"}` }),
        legend || said.length > 1 ? h("span", { class: "label" }, label) : null,
        h("b", {}, format(value)),
        legend && isNumber(value) && endsBefore(column, at, index)
          ? ` (${say(/** @type {number} */ (xs[at]))})`
          : null,
      )
    ),
  ];
}

/** The content of a table of some points. @param {string} title @param {Columns} data @param {Wording} wording */
export function tableOf(title, [xs, ...columns], { curves, format, say }) {
  const lines = curves.map((curve, i) => ({ curve, values: columns[i] }))
    .filter(({ curve }) => isLine(curve));
  const shown = Math.min(tableRows, xs.length);
  const rows = Array.from(
    { length: shown },
    (_, i) => Math.round(i * (xs.length - 1) / Math.max(1, shown - 1)),
  );
  return [
    h("caption", {}, title),
    h("tr", {}, h("th", {}, "at"), ...lines.map(({ curve }) => h("th", {}, curve.label))),
    ...rows.map((row) =>
      h(
        "tr",
        {},
        h("td", {}, say(/** @type {number} */ (xs[row]))),
        ...lines.map(({ values }) => h("td", {}, format(values[row]))),
      )
    ),
  ];
}
