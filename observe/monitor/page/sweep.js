/// <reference lib="dom" />
// @ts-check
// A sweep: its leaderboard as `sweep show` prints it, the loss curves of the ticked trials in one chart, and
// their pictures beside each other at one step, looked at again every few seconds.
// The trap: until somebody ticks a trial the best ones are shown, and who is best changes while it trains.
import { h, setText } from "./dom.js";
import { createLeaderboard, shortLabelOf } from "./leaderboard.js";
import { createRunCurves } from "./run-curves.js";
import { getCurves, getRun, getSweep } from "./server.js";
import { createSideBySide } from "./side-by-side.js";
import { createSweepSummary } from "./sweep-summary.js";

/** @typedef {import("../../reading/sweeps.ts").SweepView} SweepView */
/** @typedef {import("../../reading/sweeps.ts").SweepRow} SweepRow */
/** @typedef {import("../../reading/curves.js").Curves} Curves */
/** @typedef {import("../../reading/run-view.ts").RunView} RunView */
/** What was loaded of a trial's run. @typedef {{key: string, curves: Curves, view: RunView}} Loaded */

const lookMilliseconds = 3000;
const curvePoints = 300;
/** Curves that can still be told apart; pictures that fit beside each other. */
const mostCurves = 12;
const bestCurves = 8;
const mostPictures = 4;

/** The trials that are shown unasked: the best of each group first. @param {SweepView} sweep */
const bestOf = ({ rows }) =>
  rows.filter(({ run, rank }) => run !== null && rank !== null)
    .toSorted((a, b) => (a.rank ?? 0) - (b.rank ?? 0)).slice(0, bestCurves)
    .map(({ trial }) => trial);

/** @param {SweepView} first @returns {import("./view.js").View} */
export function createSweep(first) {
  let sweep = first;
  /** @type {Set<number> | null} null: nobody has chosen */
  let ticked = null;
  /** @type {Map<string, Loaded>} */
  const loaded = new Map();

  const summary = createSweepSummary();
  const lost = h("p", { class: "notice", hidden: true }, "connection lost, trying again …");
  const best = h("button", {
    class: "action",
    on: {
      click: () => {
        ticked = null;
        showAll();
      },
    },
  }, "Show the best");
  const charts = createRunCurves([
    {
      title: first.by === "held_out" ? "Held-out loss" : "Fixed loss",
      key: "fixedLoss",
      which: "last",
    },
    { title: "Training loss, smoothed", key: "loss", which: "smoothed" },
  ], 280);
  const pictures = createSideBySide();
  const empty = h("p", { class: "waiting" });

  /** The rows in the chart, the best first. */
  const shownRows = () => {
    const wanted = ticked ?? new Set(bestOf(sweep));
    return sweep.rows.filter(({ trial, run }) => run !== null && wanted.has(trial))
      .slice(0, mostCurves);
  };

  const tick = (/** @type {number} */ trial, /** @type {boolean} */ on) => {
    ticked ??= new Set(shownRows().map((row) => row.trial));
    if (on) ticked.add(trial);
    else ticked.delete(trial);
    showAll();
  };

  const board = createLeaderboard(tick);
  const showTable = () => {
    board.update(sweep, shownRows().map(({ trial }) => trial), mostCurves);
    best.hidden = ticked === null;
  };

  /** @param {SweepRow} row */
  const loadedOf = ({ run }) => run === null ? undefined : loaded.get(run);

  const showRuns = () => {
    const rows = shownRows().filter((row) => loadedOf(row) !== undefined);
    empty.hidden = rows.length > 0;
    setText(
      empty,
      sweep.rows.some(({ run }) => run !== null)
        ? "Tick trials to see their curves."
        : sweep.state === "running"
        ? "No trial has begun yet."
        : "None of its runs lies in this folder.",
    );
    charts.element.hidden = rows.length === 0;
    if (rows.length > 0) {
      charts.update(rows.map((row) => {
        const { curves, view } = /** @type {Loaded} */ (loadedOf(row));
        return { label: shortLabelOf(row), curves, spans: view.state.spans };
      }));
    }
    pictures.update(
      rows.slice(0, mostPictures).map((row) => ({
        id: /** @type {string} */ (row.run),
        label: shortLabelOf(row),
        view: /** @type {Loaded} */ (loadedOf(row)).view,
      })),
    );
  };

  /** Loads what is shown and has changed. */
  const load = async () => {
    const wanted = shownRows();
    await Promise.all(wanted.map(async (row) => {
      const id = /** @type {string} */ (row.run);
      const key = `${row.step} ${row.state}`;
      if (loaded.get(id)?.key === key && row.state !== "training") return;
      const [curves, view] = await Promise.all([
        getCurves(id, { points: curvePoints }),
        getRun(id),
      ]);
      loaded.set(id, { key, curves, view });
    }));
  };

  async function showAll() {
    summary.update(sweep);
    showTable();
    await load().catch(() => undefined);
    showRuns();
  }

  const look = async () => {
    try {
      const found = await getSweep(sweep.id);
      lost.hidden = true;
      const same = JSON.stringify(found) === JSON.stringify(sweep);
      sweep = found;
      if (!same) await showAll();
      else if (sweep.state === "running") {
        await load();
        showRuns();
      }
    } catch {
      lost.hidden = false;
    }
  };
  /** @type {ReturnType<typeof setTimeout>} */
  let looking;
  const again = () =>
    looking = setTimeout(() => look().finally(() => closed || again()), lookMilliseconds);
  let closed = false;

  const element = h(
    "div",
    { class: "sweep" },
    h("div", { class: "sweep-head" }, h("h1", {}, sweep.sweep), summary.status, summary.trials),
    summary.ranking,
    lost,
    h("h2", {}, "Leaderboard ", best),
    board.element,
    h("h2", {}, "Loss curves ", charts.axis),
    empty,
    charts.element,
    pictures.element,
    summary.troubles,
  );
  showAll().finally(again);

  return {
    element,
    update: () => undefined,
    redraw: charts.remake,
    close() {
      closed = true;
      clearTimeout(looking);
      charts.destroy();
    },
  };
}
