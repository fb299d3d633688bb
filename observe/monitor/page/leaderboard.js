/// <reference lib="dom" />
// @ts-check
// A sweep's leaderboard: a row a trial, under the head of its group where there are several, with a box to tick
// for its curves.
// The trap: it is drawn anew while somebody uses it, so the box that has the focus gets it back.
import { copyPath } from "./clipboard.js";
import { fill, h, icon } from "./dom.js";
import { count, duration, loss } from "./format.js";
import { lookOf } from "./overlay.js";

/** @typedef {import("../../reading/sweeps.ts").SweepView} SweepView */
/** @typedef {import("../../reading/sweeps.ts").SweepRow} SweepRow */

/** @param {SweepRow} row */
export const labelOf = ({ trial, name, varies }) =>
  [name === String(trial) ? `${trial}:` : name, varies].join(" ").trim();

/** The same where there is less room: options without their folders. @param {SweepRow} row */
export const shortLabelOf = (row) => labelOf(row).replace(/(^|\s)(?:\w+\.)+(\w+=)/g, "$1$2");

const kinds = { training: "running", done: "finished", failed: "failed", waiting: "", lost: "" };

/** @param {SweepRow} row */
const statusText = ({ state, message }) =>
  h(
    "span",
    {
      class: `status ${kinds[/** @type {keyof typeof kinds} */ (state)] ?? ""}`,
      title: message ?? "",
    },
    state,
  );

/** @param {SweepRow} row @param {number} shownAs its number among those in the chart, -1 for none
 * @param {(trial: number, on: boolean) => void} onTick */
function rowOf(row, shownAs, onTick) {
  const { rank, trial, run, steps, step, seconds, machine, checkpoint, lossStep } = row;
  const tick = h("input", {
    type: "checkbox",
    checked: shownAs >= 0,
    disabled: run === null,
    "aria-label": `show trial ${trial}`,
    on: {
      change: (/** @type {Event} */ { target }) =>
        onTick(trial, /** @type {HTMLInputElement} */ (target).checked),
    },
  });
  const look = shownAs < 0 ? null : lookOf(shownAs);
  const cell = (/** @type {string} */ label, /** @type {unknown[]} */ ...content) =>
    h("td", { dataset: { label } }, .../** @type {any} */ (content));
  return h(
    "tr",
    { class: rank === 1 ? "best" : "" },
    cell(
      "",
      h(
        "label",
        {},
        tick,
        look === null
          ? null
          : h("i", { class: `dot ${look.colour}${"dash" in look ? " dashed" : ""}` }),
      ),
    ),
    cell("rank", rank ?? "–"),
    h(
      "th",
      { scope: "row" },
      run === null
        ? labelOf(row)
        : h("a", { href: `#/run/${encodeURIComponent(run)}/overview` }, labelOf(row)),
    ),
    cell("loss", h("b", {}, loss(row.loss))),
    cell("at step", lossStep === null ? "–" : count(lossStep)),
    cell("steps", count(step) + (steps === null ? "" : ` of ${count(steps)}`)),
    cell("time", seconds === 0 ? "–" : duration(seconds)),
    cell("machine", machine ?? "–"),
    cell("state", statusText(row)),
    cell(
      "checkpoint",
      checkpoint === null ? "–" : h("button", {
        class: "action bare",
        title: checkpoint,
        "aria-label": `copy the path of trial ${trial}'s checkpoint`,
        on: { click: () => copyPath(checkpoint, `The path of trial ${trial} is copied.`) },
      }, icon("copy")),
    ),
  );
}

const heads = ["", "rank", "trial", "loss", "at step", "steps", "time", "machine", "state", "file"];

/** @param {(trial: number, on: boolean) => void} onTick */
export function createLeaderboard(onTick) {
  const body = h("tbody", {});
  const element = h(
    "div",
    { class: "table-scroller board" },
    h(
      "table",
      { class: "board-table" },
      h("thead", {}, h("tr", {}, ...heads.map((title) => h("th", {}, title)))),
      body,
    ),
  );

  /** @param {SweepView} sweep @param {readonly number[]} shown trials in the chart, the best first
   * @param {number} most of them */
  const update = ({ rows, per }, shown, most) => {
    const places = new Map(shown.map((trial, i) => [trial, i]));
    const groups = new Set(rows.map(({ group }) => group));
    /** @type {string | undefined} */
    let group;
    const focused = document.activeElement?.getAttribute("aria-label");
    fill(
      body,
      ...rows.flatMap((row) => {
        const head = groups.size > 1 && row.group !== group
          ? h(
            "tr",
            { class: "group" },
            h("th", { colSpan: heads.length }, `${per.join(", ")}: ${row.group}`),
          )
          : null;
        group = row.group;
        const full = places.size >= most && !places.has(row.trial);
        const made = rowOf(row, places.get(row.trial) ?? -1, onTick);
        if (full) made.querySelector("input").disabled = true;
        return [head, made];
      }),
    );
    if (focused) body.querySelector(`[aria-label="${CSS.escape(focused)}"]`)?.focus();
  };
  return { element, update };
}
