/// <reference lib="dom" />
// @ts-check
// The rows of an encoder in a table: how long each is beside the vocabulary's, how far it has turned from where it
// began, and which words are nearest to it.
import { h } from "./dom.js";
import { count, short } from "./format.js";

/** @typedef {import("../../../inversion/events.ts").RunEventOf<"rows">["encoders"][number]} Encoder */

export const rowColours = ["accent", "blue", "amber", "rose", "violet", "teal", "slate", "good"];
/** With more rows than this, charts show their range instead of each. */
export const mostLines = rowColours.length;

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
export function rowTable({ norms, cosines, vocabularyNorms, nearest }, histories) {
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
