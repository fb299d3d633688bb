/// <reference lib="dom" />
// @ts-check
// This run beside another one: curves in one chart, numbers, what differs in the configuration, and the
// pictures of both, locked to one step.
import { metricOf } from "../../../inversion/metrics.js";
import { createChart } from "./chart.js";
import { shownValue } from "./configuration.js";
import { fill, h } from "./dom.js";
import { pictureSteps } from "./explorer.js";
import { count, duration, loss, short } from "./format.js";
import { curveOf } from "../../reading/curves.js";
import { incomparable } from "../../reading/measured-alike.js";
import { secondsPerStep } from "../../reading/run-state.js";
import { statusOf } from "../../reading/run-status.js";
import { getCurves, getRun, getRuns, pictureAddress } from "./server.js";

/** @typedef {import("./view.js").Shown} Shown */
/** @typedef {import("../../reading/run-view.ts").RunView} RunView */
/** @typedef {import("../../reading/curves.js").Curves} Curves */
/** @typedef {{id: string, description: RunView, curves: Curves}} Side */

/**
 * Two curves over one x: each has a gap where only the other has a point, and is drawn across it.
 * @param {{x: readonly number[], y: readonly (number | null)[]}} a
 * @param {{x: readonly number[], y: readonly (number | null)[]}} b
 * @returns {(number | null)[][]}
 */
function joined(a, b) {
  const inA = new Map(a.x.map((x, i) => [x, a.y[i]]));
  const inB = new Map(b.x.map((x, i) => [x, b.y[i]]));
  const xs = [...new Set([...a.x, ...b.x])].sort((p, q) => p - q);
  return [
    xs,
    xs.map((x) => inA.get(x) ?? /** @type {any} */ (undefined)),
    xs.map((x) => inB.get(x) ?? /** @type {any} */ (undefined)),
  ];
}

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
    device: state.device,
    chosen: state.chosen === null ? "–" : `step ${count(state.chosen.step)}`,
  };
}

/** @param {Side} a @param {Side} b */
function tables(a, b) {
  const [inA, inB] = [numbersOf(a), numbersOf(b)];
  const numbers = Object.keys(inA).map((name) => {
    const key = /** @type {keyof typeof inA} */ (name);
    return [name, inA[key], inB[key]];
  });
  const values = (/** @type {Side} */ { description }) =>
    new Map(description.configuration.map(({ key, value }) => [key, shownValue(value)]));
  const [hereA, hereB] = [values(a), values(b)];
  const options = [...new Set([...hereA.keys(), ...hereB.keys()])]
    .filter((key) => hereA.get(key) !== hereB.get(key))
    .map((key) => [key, hereA.get(key) ?? "–", hereB.get(key) ?? "–"]);
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
            h("tr", {}, h("th", {}), h("th", {}, nameOf(a)), h("th", {}, nameOf(b))),
          ),
          h(
            "tbody",
            {},
            ...rows.map(([name, one, other]) =>
              h(
                "tr",
                {},
                h("th", { scope: "row" }, name),
                h("td", {}, h("code", {}, one)),
                h("td", {}, h("code", {}, other)),
              )
            ),
          ),
        ),
      ),
    );
  return [table("Numbers", numbers), table("What differs in the configuration", options)];
}

const nameOf = (/** @type {Side} */ { description }) => description.state.run || description.name;

/** Pictures of both at one step, each at its nearest step not after it. @param {Side} a @param {Side} b */
function pictures(a, b) {
  const steps = [...new Set([a, b].flatMap(({ description }) => pictureSteps(description.state)))]
    .sort((p, q) => p - q);
  const slider = h("input", {
    type: "range",
    min: "0",
    max: String(Math.max(0, steps.length - 1)),
    value: String(steps.length - 1),
    class: "steps",
    "aria-label": "step",
  });
  const pairs = h("div", { class: "pairs" });
  const label = h("b", {});

  /** @param {Side} side @param {number} prompt @param {number} step */
  const picture = ({ id, description: { state } }, prompt, step) => {
    const at = pictureSteps(state).findLast((each) =>
      each <= step && `${prompt}-0` in state.validations[each].pictures
    );
    if (at === undefined) return h("div", { class: "missing" }, "no picture yet");
    const { text, width, height, at: made } = state.validations[at].pictures[`${prompt}-0`];
    return h(
      "figure",
      {},
      h("img", {
        src: pictureAddress(id, `${at}-${prompt}-0`, 640, made),
        width,
        height,
        alt: `step ${at}: ${text}`,
      }),
      h("figcaption", {}, at === step ? text : `${text} (step ${count(at)})`),
    );
  };

  const show = () => {
    const step = steps[Number(slider.value)] ?? 0;
    fill(label, `Step ${count(step)}`);
    const prompts = Math.max(...[a, b].map(({ description }) => description.state.prompts.length));
    fill(
      pairs,
      ...Array.from(
        { length: prompts },
        (_, prompt) =>
          h("div", { class: "pair" }, picture(a, prompt, step), picture(b, prompt, step)),
      ),
    );
  };
  slider.addEventListener("input", show);
  if (steps.length > 0) show();
  return h(
    "section",
    { hidden: steps.length === 0 },
    h("h2", {}, "Pictures"),
    h("div", { class: "toolbar" }, slider, label),
    pairs,
  );
}

/** @param {Shown} shown @returns {import("./view.js").View} */
export function createCompare({ run, curves }) {
  const chooser = h("select", { "aria-label": "the other run" });
  const found = h("div", { class: "compared" });
  /** @type {import("./chart.js").Chart[]} */
  let charts = [];

  /** @param {string} id */
  const compareWith = async (id) => {
    const [description, others] = await Promise.all([
      getRun(id),
      getCurves(id, { points: 900, smoothing: curves.view.smoothing }),
    ]);
    const mine = await getCurves(run.id, { points: 900, smoothing: curves.view.smoothing });
    /** @type {Side} */
    const a = { id: run.id, description: run.description, curves: mine };
    /** @type {Side} */
    const b = { id, description, curves: others };
    charts.forEach((chart) => chart.destroy());
    const both = [
      { label: nameOf(a), colour: "accent", width: 2 },
      { label: nameOf(b), colour: "rose", width: 2 },
    ];
    const smoothed = createChart({
      title: "Loss, smoothed",
      format: loss,
      tick: short,
      curves: both,
      height: 240,
    });
    const fixed = createChart({ title: "Fixed loss", format: loss, curves: both, height: 240 });
    charts = [smoothed, fixed];
    const reasons = incomparable(a.description.measuredOn, b.description.measuredOn);
    const measured = [a, b].every(({ description }) => description.state.fixedLoss !== null);
    fill(
      found,
      h(
        "p",
        { class: "notice", hidden: !measured || reasons.length === 0 },
        `The fixed losses of these two do not compare: ${reasons.join("; ")}.`,
      ),
      h(
        "div",
        { class: "charts" },
        h("div", { class: "wide" }, smoothed.element),
        h("div", {
          class: "wide",
        }, fixed.element),
      ),
      ...tables(a, b),
      pictures(a, b),
    );
    const curvesOf = (/** @type {string} */ key) =>
      [a, b].map(({ curves }) => curveOf(curves, metricOf(key)));
    const average = curvesOf("loss").map(({ step, smoothed }) => ({ x: step, y: smoothed }));
    const fixedLoss = curvesOf("fixedLoss").map(({ step, last }) => ({ x: step, y: last }));
    smoothed.update(joined(average[0], average[1]));
    fixed.update(joined(fixedLoss[0], fixedLoss[1]));
  };

  getRuns().then((runs) => {
    const others = runs.filter(({ id }) => id !== run.id);
    fill(
      chooser,
      ...others.map(({ id, state }) => h("option", { value: id }, state.run || id)),
    );
    chooser.hidden = others.length === 0;
    if (others.length === 0) {
      return fill(
        found,
        h(
          "p",
          { class: "waiting" },
          "There is only this run here. Start the monitor on a folder of runs to compare two.",
        ),
      );
    }
    const asked = decodeURIComponent(location.hash.split("/")[4] ?? "");
    if (others.some(({ id }) => id === asked)) chooser.value = asked;
    return compareWith(chooser.value);
  });
  chooser.addEventListener("change", () => {
    const address = `#/run/${encodeURIComponent(run.id)}/compare/${
      encodeURIComponent(chooser.value)
    }`;
    history.replaceState(null, "", address);
    compareWith(chooser.value);
  });

  return {
    element: h(
      "div",
      { class: "compare" },
      h("div", { class: "toolbar" }, "with ", chooser),
      found,
    ),
    update: () => undefined,
    redraw: () => charts.forEach((chart) => chart.remake()),
    close: () => charts.forEach((chart) => chart.destroy()),
  };
}
