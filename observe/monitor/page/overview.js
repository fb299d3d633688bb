/// <reference lib="dom" />
// @ts-check
// The first view: the numbers that tell how the training goes, its curves, the newest pictures, and
// what it had to say. The trap: the raw diffusion loss is mostly the luck of the drawn timestep, so the
// loss on fixed inputs comes with it and the best step is marked there.
import { createChart } from "./chart.js";
import { fill, h, setText } from "./dom.js";
import {
  ago,
  clientsOf,
  count,
  dateTime,
  duration,
  loss,
  memory,
  percent,
  short,
} from "./format.js";
import { remainingSeconds } from "../../reading/run-state.js";
import { statusOf } from "../../reading/run-status.js";
import { pictureAddress } from "./server.js";

/** @typedef {import("./view.js").Shown} Shown */
/** @typedef {import("../../reading/run-state.js").RunState} RunState */

const converged = 0.15;

/** @param {Shown} shown */
function createCharts({ curves }) {
  const zoom = {
    onZoom: (/** @type {number} */ from, /** @type {number} */ to) => {
      if (to > from) curves.show({ from, to });
    },
    onZoomOut: () => curves.show({ from: undefined, to: undefined }),
  };
  const weight = h("input", {
    type: "range",
    min: "0",
    max: "0.99",
    step: "0.01",
    value: String(curves.view.smoothing),
    "aria-label": "smoothing of the loss",
    title: "Smoothing: a running average that does not rewrite the past",
  });
  weight.addEventListener("change", () => curves.show({ smoothing: Number(weight.value) }));

  const lossOptions = {
    title: "Loss",
    hint: "Raw (thin, with its range shaded) and smoothed. Noisy by nature: look at the fixed loss",
    format: loss,
    tick: short,
    height: 260,
    logarithmic: false,
    controls: h(
      "span",
      { class: "controls" },
      h("label", {}, "smooth ", weight),
      h("label", {}, h("input", { type: "checkbox", on: { change: toggleLogarithm } }), " log"),
    ),
    curves: [
      { label: "most", colour: "accent", part: /** @type {const} */ ("most") },
      { label: "least", colour: "accent", part: /** @type {const} */ ("least") },
      { label: "raw", colour: "accent", faint: true, width: 0.8 },
      { label: "smoothed", colour: "accent", width: 2.4 },
    ],
    ...zoom,
  };
  function toggleLogarithm(/** @type {Event} */ event) {
    lossOptions.logarithmic = /** @type {HTMLInputElement} */ (event.target).checked;
    charts.loss.remake();
  }
  const charts = {
    loss: createChart(lossOptions),
    fixed: createChart({
      title: "Fixed loss",
      hint: "The same inputs, noise and timesteps each time, so values can be compared",
      format: loss,
      tick: short,
      height: 260,
      curves: [{ label: "fixed", colour: "blue", width: 2.2 }],
      ...zoom,
    }),
    rate: createChart({
      title: "Learning rate",
      format: short,
      height: 170,
      fromZero: true,
      curves: [
        { label: "rate", colour: "violet", width: 2 },
        { label: "adapted", colour: "violet", dash: [5, 4] },
      ],
      ...zoom,
    }),
    seconds: createChart({
      title: "Time per step",
      format: duration,
      height: 170,
      fromZero: true,
      curves: [
        { label: "most", colour: "amber", part: "most" },
        { label: "least", colour: "amber", part: "least" },
        { label: "time", colour: "amber" },
      ],
      ...zoom,
    }),
    gradient: createChart({
      title: "Gradient norm",
      format: short,
      height: 170,
      fromZero: true,
      curves: [
        { label: "most", colour: "teal", part: "most" },
        { label: "least", colour: "teal", part: "least" },
        { label: "norm", colour: "teal" },
      ],
      ...zoom,
    }),
    share: createChart({
      title: "Gradient share of CLIP-L",
      hint: "The rest is CLIP-G's. Near 0 or 1 one of the two encoders learns almost nothing",
      format: percent,
      height: 170,
      fromZero: true,
      curves: [{ label: "share", colour: "rose" }],
      ...zoom,
    }),
    memory: createChart({
      title: "Memory, GiB",
      format: short,
      height: 170,
      fromZero: true,
      curves: [{ label: "resident", colour: "slate" }],
      ...zoom,
    }),
  };
  return charts;
}

/** @param {RunState} state @param {boolean} alive @param {number | undefined} smoothed */
function figures(state, alive, smoothed) {
  const { fixedLoss, following, recentSeconds } = state;
  const pace = recentSeconds.length === 0
    ? null
    : recentSeconds.reduce((sum, each) => sum + each, 0) / recentSeconds.length;
  const remaining = remainingSeconds(state);
  const running = statusOf(state, alive).kind === "running";
  const lower = fixedLoss === null ? null : 1 - fixedLoss.bestLoss / fixedLoss.first;
  const ratio = fixedLoss?.varianceRatio ?? null;
  return [
    {
      label: "Step",
      value: count(state.step),
      note: `of ${count(state.totalSteps)} · epoch ${count(state.epoch)}`,
    },
    { label: "Loss, smoothed", value: loss(smoothed), note: `last ${loss(state.loss)}` },
    {
      label: "Best fixed loss",
      value: loss(fixedLoss?.bestLoss),
      note: fixedLoss === null ? "not measured yet" : `step ${count(fixedLoss.bestStep)}` +
        (lower === null || lower < 5e-5 ? "" : ` · ${(lower * 100).toFixed(2)} % below the start`),
      title: fixedLoss?.heldOut === false
        ? "Measured on pictures that are trained on, which cannot choose: the best is the last"
        : "The best step by pictures that are not trained on",
    },
    ...Object.entries(fixedLoss?.under ?? {}).map(([pooling, value]) => ({
      label: "Fixed loss now",
      value: loss(value),
      note: `in ${clientsOf(pooling)}`,
      title: "With the pooled text where these programs take it",
    })),
    ...(following ?? []).map(({ pooling, mean, error }) => ({
      label: "Prompt following F",
      value: mean.toFixed(3),
      note: `± ${error.toFixed(3)} in ${clientsOf(pooling)}`,
      title: "How far pictures differ from the word's around the thing itself; 0 is the word's own",
    })),
    {
      label: "Variance ratio",
      value: ratio === null ? "–" : ratio.toFixed(2),
      note: ratio === null
        ? "too few values yet"
        : ratio < converged
        ? `converged (below ${converged})`
        : `still moving (above ${converged})`,
      title: "Variance of the fixed losses of the last 200 steps over the variance of all",
    },
    { label: "Learning rate", value: short(state.rate), note: state.device },
    {
      label: "Time per step",
      value: duration(pace),
      note: state.memory === null ? "" : memory(state.memory),
    },
    running
      ? {
        label: "Time left",
        value: duration(remaining),
        note: remaining === null
          ? ""
          : `until ${dateTime(Date.now() + remaining * 1000)}, pictures not counted`,
      }
      : {
        label: "Last seen",
        value: ago(state.updatedAt, Date.now()),
        note: dateTime(state.updatedAt),
      },
  ];
}

/** @param {Shown} shown @returns {import("./view.js").View} */
export function createOverview(shown) {
  const charts = createCharts(shown);
  const numbers = h("dl", { class: "figures" });
  const zoomed = h("button", {
    class: "action zoomed",
    hidden: true,
    on: { click: () => shown.curves.show({ from: undefined, to: undefined }) },
  });
  const newest = h("section", { class: "newest" });
  const messages = h("section", { class: "messages" });
  const notice = h("p", { class: "notice", hidden: true });

  const showNewest = () => {
    const { state } = shown.run.description;
    const steps = Object.keys(state.validations).map(Number).sort((a, b) => a - b);
    const step = steps.findLast((each) => Object.keys(state.validations[each].pictures).length > 0);
    newest.hidden = step === undefined;
    if (step === undefined || newest.dataset.shown === newestKey(state, step)) return;
    newest.dataset.shown = newestKey(state, step);
    const address = `#/run/${encodeURIComponent(shown.run.id)}/pictures`;
    const pictures = Object.entries(state.validations[step].pictures).sort();
    fill(
      newest,
      h("h2", {}, `Pictures of step ${count(step)} `, h("a", { href: address }, "all pictures")),
      h(
        "div",
        { class: "strip" },
        ...pictures.slice(0, 12).map(([key, { text, width, height, at }]) =>
          h(
            "a",
            { href: `${address}/${step}` },
            h("img", {
              src: pictureAddress(shown.run.id, `${step}-${key}`, 320, at),
              width,
              height,
              alt: `step ${step}: ${text}`,
              title: text,
              loading: "lazy",
            }),
          )
        ),
      ),
    );
  };

  const showMessages = () => {
    const { state, unreadable } = shown.run.description;
    notice.hidden = unreadable === 0;
    setText(
      notice,
      `${unreadable} ${
        unreadable === 1 ? "line" : "lines"
      } of events.jsonl could not be read and ` +
        `${unreadable === 1 ? "was" : "were"} skipped.`,
    );
    messages.hidden = state.messages.length === 0;
    fill(
      messages,
      h("h2", {}, "Messages"),
      h(
        "ul",
        {},
        ...state.messages.toReversed().slice(0, 20).map(({ kind, text, at }) =>
          h("li", { class: kind }, h("time", {}, dateTime(at)), h("span", {}, text))
        ),
      ),
    );
  };

  const updateRun = () => {
    const { state, alive } = shown.run.description;
    const smoothed = shown.curves.data?.steps.smoothed.at(-1);
    fill(
      numbers,
      ...figures(state, alive, smoothed).map(({ label, value, note, title }) =>
        h(
          "div",
          { title },
          h("dt", {}, label),
          h("dd", {}, value),
          h("dd", { class: "muted" }, note),
        )
      ),
    );
    showNewest();
    showMessages();
  };

  const updateCurves = () => {
    const { data, view } = shown.curves;
    if (data === undefined) return;
    const { steps, fixed } = data;
    const { fixedLoss } = shown.run.description.state;
    charts.loss.update([
      steps.step,
      steps.loss.max,
      steps.loss.min,
      steps.loss.last,
      steps.smoothed,
    ]);
    charts.fixed.update([fixed.step, fixed.loss.last], {
      marks: fixedLoss === null ? [] : [{
        step: fixedLoss.bestStep,
        value: fixedLoss.bestLoss,
        label: `best, step ${count(fixedLoss.bestStep)}`,
        colour: "good",
      }],
    });
    charts.rate.update([steps.step, steps.rate, steps.adaptedRate]);
    charts.seconds.update([steps.step, steps.seconds.max, steps.seconds.min, steps.seconds.last]);
    const norm = steps.gradientNorm;
    charts.gradient.update([steps.step, norm.max, norm.min, norm.last]);
    charts.share.update([steps.step, steps.gradientShare]);
    charts.memory.update([steps.step, steps.memory.map((bytes) => bytes / 2 ** 30)]);
    zoomed.hidden = view.from === undefined;
    setText(zoomed, `Steps ${count(view.from ?? 0)} to ${count(view.to ?? 0)}: show all`);
  };

  return {
    element: h(
      "div",
      { class: "overview" },
      numbers,
      notice,
      h(
        "div",
        { class: "charts" },
        h("div", { class: "wide" }, charts.loss.element),
        h("div", { class: "wide" }, charts.fixed.element),
        ...[charts.rate, charts.seconds, charts.gradient, charts.share, charts.memory]
          .map(({ element }) => element),
      ),
      h(
        "p",
        { class: "tip muted" },
        "Drag across a curve to look closer, double-click to go back. ",
        zoomed,
      ),
      newest,
      messages,
    ),
    update(what) {
      if (what === "run") updateRun();
      else updateCurves();
    },
    redraw: () => Object.values(charts).forEach((chart) => chart.remake()),
    close: () => Object.values(charts).forEach((chart) => chart.destroy()),
  };
}

/** @param {RunState} state @param {number} step */
const newestKey = (state, step) =>
  `${step}:${Object.values(state.validations[step].pictures).map(({ at }) => at).join()}`;
