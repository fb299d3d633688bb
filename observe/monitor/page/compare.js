/// <reference lib="dom" />
// @ts-check
// This run beside others: curves in one chart, numbers, what differs in the configuration, and the pictures
// of all, locked to one step. The trap: which runs they are stands in the address alone.
import { shownValue } from "./configuration.js";
import { fill, h, icon, setText } from "./dom.js";
import { count, duration, loss } from "./format.js";
import { lookOf } from "./overlay.js";
import { incomparable } from "../../reading/measured-alike.js";
import { secondsPerStep, totalSeconds, workedSeconds } from "../../reading/run-answers.js";
import { statusOf } from "../../reading/run-status.js";
import { createRunCurves } from "./run-curves.js";
import { getCurves, getRun, getRuns } from "./server.js";
import { createSideBySide } from "./side-by-side.js";

/** @typedef {import("./view.js").Shown} Shown */
/** @typedef {import("../../reading/run-view.ts").RunView} RunView */
/** @typedef {import("../../reading/curves.js").Curves} Curves */
/** @typedef {{id: string, description: RunView, curves: Curves}} Side */

const mostRuns = 8;

/** @param {Side} side */
function numbersOf({ description: { state, alive } }) {
  const { fixedLoss } = state;
  return {
    state: statusOf(state, alive).word,
    steps: `${count(state.step)} of ${count(state.totalSteps)}`,
    "best fixed loss": loss(fixedLoss?.bestLoss),
    "at step": fixedLoss === null ? "–" : count(fixedLoss.bestStep),
    "fixed loss before": loss(fixedLoss?.first),
    "fixed loss now": loss(fixedLoss?.last),
    "variance ratio": fixedLoss?.varianceRatio?.toFixed(2) ?? "–",
    "time per step": duration(secondsPerStep(state)),
    "time worked": duration(workedSeconds(state.spans)),
    "time in all": duration(totalSeconds(state.spans)),
    device: state.device,
    chosen: state.chosen === null ? "–" : `step ${count(state.chosen.step)}`,
  };
}

/** @param {readonly Side[]} sides */
function tables(sides) {
  const each = sides.map(numbersOf);
  const numbers = Object.keys(each[0]).map((name) => [
    name,
    ...each.map((values) => values[/** @type {keyof typeof each[0]} */ (name)]),
  ]);
  const values = sides.map(({ description }) =>
    new Map(description.configuration.map(({ key, value }) => [key, shownValue(value)]))
  );
  const options = [...new Set(values.flatMap((here) => [...here.keys()]))]
    .map((key) => [key, ...values.map((here) => here.get(key) ?? "–")])
    .filter(([, first, ...others]) => others.some((other) => other !== first));
  const dot = (/** @type {number} */ i) => h("i", { class: `dot ${lookOf(i).colour}` });
  const table = (/** @type {string} */ title, /** @type {string[][]} */ rows) =>
    h(
      "section",
      {},
      h("h2", {}, title),
      rows.length === 0 ? h("p", { class: "muted" }, "No difference.") : h(
        "div",
        { class: "table-scroller" },
        h(
          "table",
          { class: "options" },
          h(
            "thead",
            {},
            h(
              "tr",
              {},
              h("th", {}),
              ...sides.map((side, i) => h("th", {}, dot(i), " ", nameOf(side))),
            ),
          ),
          h(
            "tbody",
            {},
            ...rows.map(([name, ...cells]) =>
              h(
                "tr",
                {},
                h("th", { scope: "row" }, name),
                ...cells.map((cell, i) => h("td", {}, dot(i), " ", h("code", {}, cell))),
              )
            ),
          ),
        ),
      ),
    );
  return [table("Numbers", numbers), table("What differs in the configuration", options)];
}

const nameOf = (/** @type {Side} */ { description }) => description.state.run || description.name;

/** Why fixed losses of the runs do not compare with the first one's. @param {readonly Side[]} sides */
function notComparable([first, ...others]) {
  const measured = others.filter(({ description }) => description.state.fixedLoss !== null);
  if (first.description.state.fixedLoss === null) return [];
  return measured.flatMap((other) => {
    const reasons = incomparable(first.description.measuredOn, other.description.measuredOn);
    return reasons.length === 0 ? [] : [`${nameOf(other)}: ${reasons.join("; ")}`];
  });
}

/** @param {Shown} shown @returns {import("./view.js").View} */
export function createCompare({ run, curves }) {
  const adder = h("select", { "aria-label": "another run" });
  const chips = h("span", { class: "chips" });
  const notice = h("p", { class: "notice", hidden: true });
  const empty = h("p", { class: "waiting", hidden: true });
  const charts = createRunCurves([
    { title: "Loss, smoothed", key: "loss", which: "smoothed" },
    { title: "Fixed loss", key: "fixedLoss", which: "last" },
  ], 240);
  const compared = h("div", {});
  const pictures = createSideBySide();
  /** @type {readonly import("../../reading/run-list.ts").ListedRun[]} */
  let others = [];
  /** Ids of the others that are shown. @type {readonly string[]} */
  let wanted = [];
  let asked = 0;

  const show = async () => {
    const mine = ++asked;
    const ids = [run.id, ...wanted];
    const sides = await Promise.all(ids.map(async (id) => {
      const [description, data] = await Promise.all([
        getRun(id),
        getCurves(id, { points: 900, smoothing: curves.view.smoothing }),
      ]);
      return { id, description, curves: data };
    }));
    if (mine !== asked) return;
    const reasons = notComparable(sides);
    notice.hidden = reasons.length === 0;
    setText(notice, `Fixed losses that do not compare with this run's: ${reasons.join(". ")}.`);
    fill(compared, ...tables(sides));
    charts.update(
      sides.map((side) => ({
        label: nameOf(side),
        curves: side.curves,
        spans: side.description.state.spans,
      })),
    );
    pictures.update(
      sides.map((side) => ({ id: side.id, label: nameOf(side), view: side.description })),
    );
  };

  /** @param {readonly string[]} ids */
  const choose = (ids) => {
    wanted = ids.slice(0, mostRuns - 1);
    const parts = ["#/run", ...[run.id, "compare", ...wanted].map(encodeURIComponent)];
    history.replaceState(null, "", parts.join("/"));
    const named = new Map(others.map(({ id, state }) => [id, state.run || id]));
    fill(
      chips,
      ...wanted.map((id, i) =>
        h(
          "button",
          {
            class: "action chip",
            title: "Take it out",
            on: { click: () => choose(wanted.filter((each) => each !== id)) },
          },
          h("i", { class: `dot ${lookOf(i + 1).colour}` }),
          h("span", {}, named.get(id) ?? id),
          icon("cross"),
        )
      ),
    );
    const left = others.filter(({ id }) => !wanted.includes(id));
    fill(
      adder,
      h("option", { value: "" }, "another run …"),
      ...left.map(({ id }) => h("option", { value: id }, named.get(id) ?? id)),
    );
    adder.hidden = left.length === 0 || wanted.length >= mostRuns - 1;
    show().catch((error) => {
      empty.hidden = false;
      setText(empty, error.message);
    });
  };

  getRuns().then((runs) => {
    others = runs.filter(({ id }) => id !== run.id);
    const alone = others.length === 0;
    for (const each of [adder, charts.element]) each.hidden = alone;
    empty.hidden = !alone;
    setText(
      empty,
      "There is only this run here. Start the monitor on a folder of runs to compare several.",
    );
    if (alone) return;
    const given = location.hash.split("/").slice(4).map(decodeURIComponent)
      .filter((asked) => others.some(({ id }) => id === asked));
    choose(given.length > 0 ? given : [others[0].id]);
  });
  adder.addEventListener("change", () => choose([...wanted, adder.value]));
  return {
    element: h(
      "div",
      { class: "compare" },
      h("div", { class: "toolbar" }, "with ", chips, adder, charts.axis),
      notice,
      empty,
      charts.element,
      compared,
      pictures.element,
    ),
    update: () => undefined,
    redraw: charts.remake,
    close() {
      asked++;
      charts.destroy();
    },
  };
}
