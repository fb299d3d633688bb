/// <reference lib="dom" />
// @ts-check
// What a sweep is at, in words: its state, how many trials are how far, what they are ranked by, and notes on them.
import { fill, h, setText } from "./dom.js";
import { count } from "./format.js";
import { labelOf } from "./leaderboard.js";
import { kindOf } from "./sweeps.js";

/** @typedef {import("../../reading/sweeps.ts").SweepView} SweepView */

/** Of losses that do not compare; `sweep show` prints them all. */
const shownNotes = 3;
const shownTroubles = 40;

/** What the ranking's loss is called. @param {SweepView} sweep */
const measureOf = ({ by, at }) =>
  `${by === "held_out" ? "held-out" : "fixed"} loss${at === "best" ? "" : ", last"}`;

/** @param {SweepView} sweep */
function statesOf({ rows }) {
  const states = Map.groupBy(rows, ({ state }) => state);
  return [...states].map(([state, all]) => `${count(all.length)} ${state}`).join(" · ");
}

/** @param {SweepView} sweep */
function rankingOf(sweep) {
  const { by, incomparable } = sweep;
  const on = by === "held_out"
    ? ", measured on pictures that are not trained on."
    : " of pictures that are trained on: it measures memorising too.";
  const notes = incomparable.slice(0, shownNotes).map((note) => ` ${note}`).join("");
  const more = incomparable.length - shownNotes;
  return `Ranked by the ${measureOf(sweep)}${on}${notes}` +
    (more > 0 ? ` So for ${count(more)} more.` : "");
}

export function createSweepSummary() {
  const status = h("span", { class: "status", role: "status" });
  const trials = h("p", { class: "muted" });
  const ranking = h("p", { class: "muted" });
  const troubles = h("section", { class: "messages" });
  return {
    status,
    trials,
    ranking,
    troubles,
    /** @param {SweepView} sweep */
    update(sweep) {
      status.className = `status ${kindOf(sweep.state)}`;
      setText(status, sweep.state);
      setText(
        trials,
        `${count(sweep.rows.length)} trials: ${statesOf(sweep)}` +
          (sweep.rungs.length === 0 ? "" : ` · halved at ${sweep.rungs.map(count).join(", ")}`),
      );
      setText(ranking, rankingOf(sweep));
      const said = sweep.rows.flatMap((row) =>
        [row.message, row.differs].flatMap((text) => text === null ? [] : [{ row, text }])
      );
      troubles.hidden = said.length === 0;
      fill(
        troubles,
        h("h2", {}, "Notes on trials"),
        h(
          "ul",
          {},
          ...said.slice(0, shownTroubles).map(({ row, text }) =>
            h("li", { class: "warning" }, h("span", {}, `${labelOf(row)}: ${text}`))
          ),
        ),
      );
    },
  };
}
