/// <reference lib="dom" />
// @ts-check
// All runs in the folder, running ones first, looked at again every few seconds.
import { fill, h, setText } from "./dom.js";
import { ago, count, duration, loss } from "./format.js";
import { measuredGroups } from "../../reading/measured-alike.js";
import { remainingSeconds } from "../../reading/run-answers.js";
import { statusOf } from "../../reading/run-status.js";
import { getRuns, pictureAddress } from "./server.js";
import { createSweeps } from "./sweeps.js";

/** @typedef {import("../../reading/run-list.ts").ListedRun} ListedRun */

const lookMilliseconds = 3000;

/** @param {ListedRun} run @param {string | null} group of runs whose fixed losses compare */
function card({ id, state, alive, picture }, group) {
  const status = statusOf(state, alive);
  const running = status.kind === "running";
  const part = state.totalSteps === 0 ? 0 : state.step / state.totalSteps;
  const bar = h("i");
  bar.style.width = `${part * 100}%`;
  return h(
    "a",
    { class: "run-card", href: `#/run/${encodeURIComponent(id)}/overview` },
    picture === null
      ? h("div", { class: "missing" })
      : h("img", { src: pictureAddress(id, picture, 320), alt: "", loading: "lazy" }),
    h(
      "div",
      {},
      h("b", {}, state.run || id),
      h("span", { class: `status ${status.kind}` }, status.word),
      h("div", { class: `progress${running ? " live" : ""}` }, bar),
      h(
        "p",
        { class: "muted" },
        `step ${count(state.step)} of ${count(state.totalSteps)} · `,
        running
          ? `${duration(remainingSeconds(/** @type {any} */ (state)))} left`
          : ago(state.updatedAt, Date.now()),
      ),
      h(
        "p",
        { class: "muted" },
        state.fixedLoss === null
          ? `loss ${loss(state.loss)}`
          : `best fixed loss ${loss(state.fixedLoss.bestLoss)} at step ${
            count(state.fixedLoss.bestStep)
          }`,
        group === null
          ? null
          : h("span", { class: "tag", title: "Fixed losses compare within a letter" }, group),
      ),
    ),
  );
}

/** What the list is sorted by, by what it is called. @type {Record<string, (a: Row, b: Row) => number>} */
const orders = {
  "newest first": (a, b) =>
    Number(b.running) - Number(a.running) ||
    (b.run.state.updatedAt ?? 0) - (a.run.state.updatedAt ?? 0),
  "by name": (a, b) => nameOf(a.run).localeCompare(nameOf(b.run), "en", { numeric: true }),
  // Within a letter, since losses of different letters do not compare.
  "lowest fixed loss": (a, b) =>
    (a.group ?? "").localeCompare(b.group ?? "") ||
    (a.run.state.fixedLoss?.bestLoss ?? Infinity) - (b.run.state.fixedLoss?.bestLoss ?? Infinity),
  "most steps": (a, b) => b.run.state.step - a.run.state.step,
};

/** @typedef {{run: ListedRun, group: string | null, running: boolean}} Row */

const nameOf = (/** @type {ListedRun} */ { id, state }) => state.run || id;

/** Kept while the page is open, for who comes back to the list. */
const wanted = { search: "", order: Object.keys(orders)[0] };

/** Whether all words are in what a card says of the run. @param {Row} row @param {string} search */
function matches({ run: { id, state, alive } }, search) {
  const text = `${id} ${state.run} ${state.trigger} ${statusOf(state, alive).word}`.toLowerCase();
  return search.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

/** @param {ListedRun[]} first @returns {import("./view.js").View} */
export function createRuns(first) {
  const list = h("div", { class: "run-cards" });
  const notice = h("p", { class: "notice", hidden: true });
  const sweeps = createSweeps();
  const search = h("input", {
    type: "search",
    placeholder: "name or state",
    "aria-label": "search runs",
    value: wanted.search,
  });
  const order = h(
    "select",
    { "aria-label": "sort runs" },
    ...Object.keys(orders).map((name) => h("option", {}, name)),
  );
  order.value = wanted.order;
  const counted = h("span", { class: "muted" });
  const tools = h("div", { class: "toolbar" }, search, order, counted);
  let runs = first;
  /** Cards by run; one that says the same stays. @type {Map<string, {says: string, element: Node}>} */
  let cards = new Map();

  const show = () => {
    const { groups, notes } = measuredGroups(
      runs.map(({ measuredOn, state }) => ({ on: measuredOn, measured: state.fixedLoss !== null })),
    );
    notice.hidden = notes.length === 0;
    fill(
      notice,
      "Fixed losses compare only within a letter. ",
      ...notes.slice(0, 8).map((note) => h("span", { class: "muted" }, `${note}. `)),
    );
    const rows = runs.map((run, i) => ({
      run,
      group: groups[i],
      running: statusOf(run.state, run.alive).kind === "running",
    }));
    const shown = rows.filter((row) => matches(row, wanted.search)).sort(orders[wanted.order]);
    const kept = new Map(shown.map((row) => {
      const says = JSON.stringify([row, ago(row.run.state.updatedAt, Date.now())]);
      const before = cards.get(row.run.id);
      const same = before?.says === says ? before : { says, element: card(row.run, row.group) };
      return [row.run.id, same];
    }));
    const moved = [...kept.keys()].join() !== [...cards.keys()].join();
    const changed = moved || [...kept].some(([id, made]) => cards.get(id) !== made);
    cards = kept;
    tools.hidden = runs.length < 2;
    setText(
      counted,
      shown.length === runs.length
        ? `${count(runs.length)} runs`
        : `${count(shown.length)} of ${count(runs.length)} runs`,
    );
    if (shown.length > 0) {
      if (changed) fill(list, ...[...kept.values()].map(({ element }) => element));
    } else {
      const said = runs.length === 0
        ? "No runs here yet. They appear as soon as one starts."
        : "No run is called so.";
      fill(list, h("p", { class: "waiting" }, said));
    }
  };
  search.addEventListener("input", () => {
    wanted.search = search.value.trim();
    show();
  });
  order.addEventListener("change", () => {
    wanted.order = order.value;
    show();
  });
  show();
  const look = (/** @type {ListedRun[]} */ found) => {
    runs = found;
    show();
  };
  const looking = setInterval(() => getRuns().then(look, () => undefined), lookMilliseconds);
  return {
    element: h("div", { class: "runs" }, sweeps.element, h("h1", {}, "Runs"), tools, notice, list),
    update: () => undefined,
    close() {
      clearInterval(looking);
      sweeps.close();
    },
  };
}
