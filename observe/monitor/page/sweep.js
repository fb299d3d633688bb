/// <reference lib="dom" />
// @ts-check
// A sweep: its leaderboard as `sweep show` prints it, the loss curves of the ticked trials in one chart, and
// their pictures beside each other at one step, looked at again every few seconds.
// The trap: until somebody ticks a trial the best ones are shown, and who is best changes while it trains.
import { axisChooser } from "./axis.js";
import { fill, h, setText } from "./dom.js";
import { count, loss, short } from "./format.js";
import { createLeaderboard, labelOf, shortLabelOf } from "./leaderboard.js";
import { createOverlay, lineOf } from "./overlay.js";
import { getCurves, getRun, getSweep } from "./server.js";
import { createSideBySide } from "./side-by-side.js";
import { kindOf } from "./sweeps.js";

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
/** Of losses that do not compare; `sweep show` prints them all. */
const shownNotes = 3;

/** What the ranking's loss is called. @param {SweepView} sweep */
const measureOf = ({ by, at }) =>
  `${by === "held_out" ? "held-out" : "fixed"} loss${at === "best" ? "" : ", last"}`;

/** The trials that are shown unasked: the best of each group first. @param {SweepView} sweep */
const bestOf = ({ rows }) =>
  rows.filter(({ run, rank }) => run !== null && rank !== null)
    .toSorted((a, b) => (a.rank ?? 0) - (b.rank ?? 0)).slice(0, bestCurves)
    .map(({ trial }) => trial);

/** @param {SweepView} sweep */
function summaryOf({ rows }) {
  const states = Map.groupBy(rows, ({ state }) => state);
  return [...states].map(([state, all]) => `${count(all.length)} ${state}`).join(" · ");
}

/** @param {SweepView} first @returns {import("./view.js").View} */
export function createSweep(first) {
  let sweep = first;
  /** @type {Set<number> | null} null: nobody has chosen */
  let ticked = null;
  /** @type {Map<string, Loaded>} */
  const loaded = new Map();

  const status = h("span", { class: "status", role: "status" });
  const summary = h("p", { class: "muted" });
  const measured = h("p", { class: "muted" });
  const lost = h("p", { class: "notice", hidden: true }, "connection lost, trying again …");
  const troubles = h("section", { class: "messages" });
  const best = h("button", {
    class: "action",
    on: {
      click: () => {
        ticked = null;
        showAll();
      },
    },
  }, "Show the best");
  const ranked = createOverlay({
    title: first.by === "held_out" ? "Held-out loss" : "Fixed loss",
    format: loss,
    tick: short,
    height: 280,
  });
  const smoothed = createOverlay({
    title: "Training loss, smoothed",
    format: loss,
    tick: short,
    height: 280,
  });
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
    const lines = (
      /** @type {string} */ key,
      /** @type {"last" | "smoothed"} */ which,
    ) =>
      rows.map((row) => {
        const { curves, view } = /** @type {Loaded} */ (loadedOf(row));
        return { label: shortLabelOf(row), line: lineOf(curves, view.state.spans, key, which) };
      });
    empty.hidden = rows.length > 0;
    setText(
      empty,
      sweep.rows.some(({ run }) => run !== null)
        ? "Tick trials to see their curves."
        : sweep.state === "running"
        ? "No trial has begun yet."
        : "None of its runs lies in this folder.",
    );
    charts.hidden = rows.length === 0;
    if (rows.length > 0) {
      ranked.update(lines("fixedLoss", "last"));
      smoothed.update(lines("loss", "smoothed"));
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

  const showHead = () => {
    status.className = `status ${kindOf(sweep.state)}`;
    setText(status, sweep.state);
    setText(
      summary,
      `${count(sweep.rows.length)} trials: ${summaryOf(sweep)}` +
        (sweep.rungs.length === 0 ? "" : ` · halved at ${sweep.rungs.map(count).join(", ")}`),
    );
    setText(
      measured,
      `Ranked by the ${measureOf(sweep)}` +
        (sweep.by === "held_out"
          ? ", measured on pictures that are not trained on."
          : " of pictures that are trained on: it measures memorising too.") +
        sweep.incomparable.slice(0, shownNotes).map((note) => ` ${note}`).join("") +
        (sweep.incomparable.length > shownNotes
          ? ` So for ${count(sweep.incomparable.length - shownNotes)} more.`
          : ""),
    );
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
        ...said.slice(0, 40).map(({ row, text }) =>
          h("li", { class: "warning" }, h("span", {}, `${labelOf(row)}: ${text}`))
        ),
      ),
    );
  };

  async function showAll() {
    showHead();
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

  const axis = axisChooser(() => {
    ranked.remake();
    smoothed.remake();
    showRuns();
  });
  const charts = h("div", { class: "charts" }, ranked.element, smoothed.element);
  const element = h(
    "div",
    { class: "sweep" },
    h("div", { class: "sweep-head" }, h("h1", {}, sweep.sweep), status, summary),
    measured,
    lost,
    h("h2", {}, "Leaderboard ", best),
    board.element,
    h("h2", {}, "Loss curves ", axis),
    empty,
    charts,
    pictures.element,
    troubles,
  );
  showAll().finally(again);

  return {
    element,
    update: () => undefined,
    redraw: () => {
      ranked.remake();
      smoothed.remake();
    },
    close() {
      closed = true;
      clearTimeout(looking);
      ranked.destroy();
      smoothed.destroy();
    },
  };
}
