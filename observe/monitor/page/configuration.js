/// <reference lib="dom" />
// @ts-check
// The resolved configuration, what differs from the defaults first and marked, with each option's
// meaning. Typing filters by name, value and meaning.
import { fill, h } from "./dom.js";

/** @typedef {import("./view.js").Shown} Shown */
/** @typedef {import("../../reading/configuration-entries.ts").ConfigurationEntry} ConfigurationEntry */

/** @param {unknown} value */
export const shownValue = (value) =>
  typeof value === "string" ? value : JSON.stringify(value) ?? "–";

/** A list of texts is shown a line each. @param {unknown} value */
const shownLines = (value) =>
  Array.isArray(value) && value.length > 1 && value.every((each) => typeof each === "string")
    ? value.map((each) => h("p", {}, h("code", {}, each)))
    : [h("code", {}, shownValue(value))];

/** @param {ConfigurationEntry} entry */
const row = ({ key, value, doc, differs, standard }) =>
  h(
    "tr",
    { class: differs ? "differs" : "" },
    h("th", { scope: "row" }, h("code", {}, key), h("p", { class: "muted" }, doc)),
    h("td", {}, ...shownLines(value)),
    h(
      "td",
      { class: "muted" },
      ...(standard === undefined ? ["must be given"] : shownLines(standard)),
    ),
  );

/** @param {Shown} shown @returns {import("./view.js").View} */
export function createConfiguration({ run }) {
  const entries = run.description.configuration;
  const filter = h("input", { type: "search", placeholder: "filter", "aria-label": "filter" });
  const only = h("input", { type: "checkbox", checked: true });
  const body = h("tbody", {});
  const counted = h("p", { class: "muted" });

  const show = () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter((/** @type {string} */ w) =>
      w !== ""
    );
    const wanted = entries.filter((entry) => {
      const text = `${entry.key} ${shownValue(entry.value)} ${entry.doc}`.toLowerCase();
      return (!only.checked || entry.differs) &&
        words.every((/** @type {string} */ word) => text.includes(word));
    });
    fill(body, ...wanted.map(row));
    const differing = entries.filter(({ differs }) => differs).length;
    fill(
      counted,
      entries.length === 0
        ? "This run has no configuration that can be read."
        : `${differing} of ${entries.length} options differ from their defaults.`,
    );
  };
  filter.addEventListener("input", show);
  only.addEventListener("change", show);
  show();

  return {
    element: h(
      "div",
      { class: "configuration" },
      h(
        "div",
        { class: "toolbar" },
        filter,
        h("label", {}, only, " only what differs from the defaults"),
        counted,
      ),
      h(
        "table",
        { class: "options" },
        h(
          "thead",
          {},
          h("tr", {}, ...["Option", "Here", "Default"].map((title) => h("th", {}, title))),
        ),
        body,
      ),
    ),
    update: () => undefined,
  };
}
