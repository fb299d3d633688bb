/// <reference lib="dom" />
// @ts-check
// The sweeps of the folder, above its runs; looked at again every few seconds. The trap: a database that
// cannot be read must not take the list of runs with it, so what it said stands in place of the sweeps.
import { fill, h } from "./dom.js";
import { ago, count, loss } from "./format.js";
import { getSweeps } from "./server.js";

/** @typedef {import("../../reading/sweeps.ts").ListedSweep} ListedSweep */

const lookMilliseconds = 3000;

/** Its colour. @param {ListedSweep["state"]} state */
export const kindOf = (state) => state === "running" ? state : state === "done" ? "finished" : "";

/** @param {ListedSweep} sweep */
function card({ id, sweep, state, trials, states, loss: best, by, startedAt }) {
  const over = (states.done ?? 0) + (states.lost ?? 0) + (states.failed ?? 0) +
    (states.skipped ?? 0);
  const bar = h("i");
  bar.style.width = `${trials === 0 ? 0 : over / trials * 100}%`;
  const parts = Object.entries(states).map(([name, number]) => `${count(number ?? 0)} ${name}`);
  return h(
    "a",
    { class: "sweep-card", href: `#/sweep/${encodeURIComponent(id)}` },
    h("b", {}, sweep),
    h("span", { class: `status ${kindOf(state)}` }, state),
    h("div", { class: `progress${state === "running" ? " live" : ""}` }, bar),
    h("span", { class: "muted" }, `${count(trials)} trials: ${parts.join(" · ")}`),
    h(
      "span",
      { class: "muted" },
      best === null
        ? `begun ${ago(startedAt, Date.now())}`
        : `best ${by === "held_out" ? "held-out" : "fixed"} loss ${loss(best)}`,
    ),
  );
}

export function createSweeps() {
  const cards = h("div", { class: "run-cards" });
  const element = h("section", { class: "sweeps", hidden: true }, h("h1", {}, "Sweeps"), cards);
  let shown = "";
  const show = (/** @type {ListedSweep[]} */ sweeps) => {
    element.hidden = sweeps.length === 0;
    if (shown === JSON.stringify(sweeps)) return;
    shown = JSON.stringify(sweeps);
    fill(cards, ...sweeps.toReversed().map(card));
  };
  const fail = (/** @type {Error} */ { message }) => {
    element.hidden = false;
    shown = "";
    fill(cards, h("p", { class: "notice" }, message));
  };
  const look = () => getSweeps().then(show, fail);
  look();
  const looking = setInterval(look, lookMilliseconds);
  return { element, close: () => clearInterval(looking) };
}
