/// <reference lib="dom" />
// @ts-check
// The page: reads the address (#/, #/run/ID/VIEW, #/sweep/ID), keeps the shown run up to date, and
// hands each change to the view that is open. A view is {element, update, redraw?, key?, close?}.
import { createCompare } from "./compare.js";
import { createConfiguration } from "./configuration.js";
import { fill, h } from "./dom.js";
import { createExplorer } from "./explorer.js";
import { createHeader, views } from "./header.js";
import { liveCurves } from "./live-curves.js";
import { openLiveRun } from "./live-run.js";
import { createOverview } from "./overview.js";
import { createRows } from "./rows.js";
import { createRuns } from "./runs.js";
import { getRuns, getSweep, getSweeps } from "./server.js";
import { createStages } from "./stages.js";
import { announce, ask } from "./steering.js";
import { createSweep } from "./sweep.js";
import { startTheme } from "./theme.js";

/** @typedef {import("./view.js").View} View */
/** @typedef {import("./view.js").Shown} Shown */

/** @type {Record<string, (shown: Shown) => View>} */
const makers = {
  overview: createOverview,
  pictures: createExplorer,
  rows: createRows,
  stages: createStages,
  configuration: createConfiguration,
  compare: createCompare,
};

const content = /** @type {HTMLElement} */ (document.getElementById("content"));
/** @type {Shown | null} */
let shown = null;
/** @type {View | null} */
let view = null;
let navigations = 0;

const toggleTheme = startTheme(() => view?.redraw?.());
const header = createHeader({ toggleTheme, showKeys });

function showKeys() {
  const keys = [
    ["1 … 6", "the views, from Overview to Compare"],
    ["← →", "pictures: the step before, the step after"],
    ["↑ ↓", "pictures: another prompt"],
    ["Home End", "pictures: the first, the last step"],
    ["Enter", "pictures: full size, to compare with an earlier step"],
    ["b", "pictures: the step with the best fixed loss"],
    ["c", "pictures: copy the path of the checkpoint"],
    ["m", "pictures: mark the checkpoint as chosen"],
    ["space", "pictures: play through the steps"],
    ["t", "light or dark"],
    ["?", "this list"],
  ];
  ask("Keys", [
    h(
      "dl",
      { class: "keys" },
      ...keys.flatMap(([key, what]) => [h("dt", {}, key), h("dd", {}, what)]),
    ),
  ], [{ label: "Close", value: "" }]);
}

/** @param {string} id @returns {Promise<Shown>} */
async function openRun(id) {
  const curves = liveCurves(id, () => view?.update("curves"));
  const loading = curves.load();
  const run = await openLiveRun(id, {
    onEvents(events) {
      curves.extend(events);
      events.forEach(announce);
      header.update();
      view?.update("run");
    },
    onReset() {
      curves.load();
      header.update();
      view?.update("run");
    },
    onConnection() {
      header.update();
      view?.update("run");
    },
  });
  await loading;
  return { run, curves };
}

/** @param {View | null} next */
function mount(next) {
  view?.close?.();
  view = next;
  if (next !== null) fill(content, next.element);
  scrollTo(0, 0);
}

function closeRun() {
  shown?.run.close();
  shown = null;
}

/** @param {Error & {status?: number}} error */
function showProblem(error) {
  mount(null);
  header.show(null, "");
  fill(
    content,
    h(
      "section",
      { class: "problem" },
      h("h1", {}, error.status === 401 ? "This page's key is out of date" : "Nothing to show"),
      h("p", {}, error.message),
    ),
  );
}

async function navigate() {
  const mine = ++navigations;
  const parts = location.hash.split("/").slice(1).map(decodeURIComponent);
  try {
    if (parts[0] === "run" && parts[1]) {
      if (shown?.run.id !== parts[1]) {
        closeRun();
        const opened = await openRun(parts[1]);
        if (mine !== navigations) return opened.run.close();
        shown = opened;
      }
      const name = views.some(({ name }) => name === parts[2]) ? parts[2] : "overview";
      mount(makers[name](/** @type {Shown} */ (shown)));
      header.show(/** @type {Shown} */ (shown).run, name);
      view?.update("run");
      view?.update("curves");
      return;
    }
    if (parts[0] === "sweep" && parts[1]) {
      const sweep = await getSweep(parts[1]);
      if (mine !== navigations) return;
      closeRun();
      document.title = `${sweep.sweep} · gnomic`;
      mount(createSweep(sweep));
      header.show(null, "");
      return;
    }
    const [runs, sweeps] = await Promise.all([getRuns(), getSweeps().catch(() => [])]);
    if (mine !== navigations) return;
    if (runs.length === 1 && sweeps.length === 0 && parts[0] !== "runs") {
      return location.replace(`#/run/${encodeURIComponent(runs[0].id)}/overview`);
    }
    closeRun();
    document.title = "gnomic";
    mount(createRuns(runs));
    header.show(null, "");
  } catch (error) {
    if (mine === navigations) showProblem(/** @type {Error} */ (error));
  }
}

addEventListener("hashchange", navigate);
addEventListener("keydown", (event) => {
  const target = /** @type {HTMLElement} */ (event.target);
  const typing = target.closest("input:not([type=range]):not([type=checkbox]), textarea, select");
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (document.querySelector("dialog.ask[open]")) return;
  if (view?.key?.(event)) return event.preventDefault();
  const number = Number(event.key);
  if (shown !== null && number >= 1 && number <= views.length) {
    location.hash = `#/run/${encodeURIComponent(shown.run.id)}/${views[number - 1].name}`;
  } else if (event.key === "t") toggleTheme();
  else if (event.key === "?") showKeys();
});
navigate();
