/// <reference lib="dom" />
// @ts-check
// The first view: the numbers that tell how the training goes, its curves, the newest pictures, and
// what it had to say. The trap: the raw diffusion loss is mostly the luck of the drawn timestep, so the
// loss on fixed inputs comes with it and the best step is marked there.
import { charts, metricOf } from "../../../inversion/metrics.js";
import { curveOf, pointOf } from "../../reading/curves.js";
import { axisChooser, currentAxis } from "./axis.js";
import { createChart } from "./chart.js";
import { fill, h, setText } from "./dom.js";
import {
  clientsOf,
  count,
  dateTime,
  duration,
  isNumber,
  loss,
  memory,
  scaled,
  short,
  units,
} from "./format.js";
import {
  pictureSteps,
  remainingSeconds,
  secondsPerStep,
  totalSeconds,
  workedSeconds,
} from "../../reading/run-answers.js";
import { statusOf } from "../../reading/run-status.js";
import { pictureAddress } from "./server.js";

/** @typedef {import("./view.js").Shown} Shown */
/** @typedef {import("../../reading/run-state.js").RunState} RunState */

const converged = 0.15;

/**
 * The chart of a metric with those drawn in it, each with its range shaded.
 * @param {ReturnType<typeof charts>[number]} drawn @param {Shown} shown
 */
function createMetricChart({ metric, beside }, { curves }) {
  const { title, hint, unit, chart: { axis, wide = false }, smoothing } = metric;
  const { per, suffix, format, tick } = units[unit];
  const all = [metric, ...beside];
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
  const options = {
    title: title + suffix,
    hint,
    format,
    tick,
    height: wide ? 260 : 170,
    fromZero: axis === "zero",
    logarithmic: false,
    controls: smoothing === undefined ? undefined : h(
      "span",
      { class: "controls" },
      h("label", {}, "smooth ", weight),
      h("label", {}, h("input", { type: "checkbox", on: { change: toggleLogarithm } }), " log"),
    ),
    curves: all.flatMap(({ title, chart: { colour }, smoothing }) => [
      { label: "most", colour, part: /** @type {const} */ ("most") },
      { label: "least", colour, part: /** @type {const} */ ("least") },
      ...(smoothing === undefined ? [{ label: title, colour, width: wide ? 2.2 : 1.8 }] : [
        { label: "raw", colour, faint: true, width: 0.8 },
        { label: "smoothed", colour, width: 2.4 },
      ]),
    ]),
    onZoom: (/** @type {number} */ from, /** @type {number} */ to) => {
      const steps = points.step.filter((_, i) => places[i] >= from && places[i] <= to);
      if (steps.length > 1) curves.show({ from: steps[0], to: steps[steps.length - 1] });
    },
    onZoomOut: () => curves.show({ from: undefined, to: undefined }),
  };
  function toggleLogarithm(/** @type {Event} */ event) {
    options.logarithmic = /** @type {HTMLInputElement} */ (event.target).checked;
    chart.remake();
  }
  /** @type {import("./axis.js").Points} */
  let points = { step: [], at: [] };
  /** Where they lie on the axis. @type {readonly number[]} */
  let places = [];
  const chart = createChart(options);
  if (wide) chart.element.classList.add("wide");
  return {
    ...chart,
    /** @param {RunState} state @param {import("../../reading/curves.js").Curves} data */
    show({ fixedLoss, spans }, data) {
      const found = all.map((each) => curveOf(data, each));
      points = found[0];
      places = currentAxis().place(points, spans);
      chart.element.hidden = found.every(({ last }) => !last.some(isNumber));
      const columns = found.flatMap(({ max, min, last, smoothed }, i) =>
        [max, min, last, ...(all[i].smoothing === undefined ? [] : [smoothed])]
          .map((values) => scaled(values, per))
      );
      const isOutside = fixedLoss === null || fixedLoss.bestStep < (curves.view.from ?? 0);
      const best = isOutside ? -1 : pointOf(points.step, fixedLoss.bestStep);
      const marks = metric.key !== "fixedLoss" || fixedLoss === null || best < 0 ? [] : [{
        x: places[best],
        value: fixedLoss.bestLoss,
        label: `best, step ${count(fixedLoss.bestStep)}`,
        colour: "good",
      }];
      chart.update([places, ...columns], { marks });
    },
  };
}

/** @param {RunState} state @param {boolean} alive @param {number | null | undefined} smoothed */
function figures(state, alive, smoothed) {
  const { fixedLoss, spans } = state;
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
      note: fixedLoss === null
        ? (running ? "not measured yet" : "not measured")
        : `step ${count(fixedLoss.bestStep)}` +
          (lower === null || lower < 5e-5
            ? ""
            : ` · ${(lower * 100).toFixed(2)} % below the start`),
      title: fixedLoss?.heldOut === false
        ? "Measured on pictures that are trained on, which cannot choose: the best is the last"
        : "The best step by pictures that are not trained on",
    },
    {
      label: "Variance ratio",
      value: ratio === null ? "–" : ratio.toFixed(2),
      note: ratio === null
        ? (running ? "too few values yet" : "too few values")
        : ratio < converged
        ? `converged (below ${converged})`
        : `still moving (above ${converged})`,
      title: "Variance of the fixed losses of the last 200 steps over the variance of all",
    },
    { label: "Learning rate", value: short(state.rate), note: state.device },
    {
      label: "Time per step",
      value: duration(secondsPerStep(state)),
      note: state.memory === null ? "" : memory(state.memory),
    },
    running
      ? {
        label: "Time left",
        value: duration(remaining),
        note: remaining === null
          ? ""
          : `until ${dateTime(Date.now() + remaining * 1000)}, pictures not counted`,
        title: `worked ${duration(workedSeconds(spans))} so far`,
      }
      : {
        label: "Time worked",
        value: duration(workedSeconds(spans)),
        note: `${duration(totalSeconds(spans))} in all, until ${
          dateTime(spans.at(-1)?.to ?? null)
        }`,
        title: "In all from the first start to the end; between attempts nobody works",
      },
  ];
}

/** What only some trainings measure. @param {RunState} state */
const otherFigures = ({ fixedLoss, following }) => [
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
];

/** @param {{label: string, value: string, note: string, title?: string}} said */
const figure = ({ label, value, note, title }) =>
  h(
    "div",
    { title },
    h("dt", {}, label),
    h("dd", {}, value),
    h("dd", { class: "muted" }, note),
  );

/** @param {Shown} shown @returns {import("./view.js").View} */
export function createOverview(shown) {
  const drawn = charts().map((each) => createMetricChart(each, shown));
  const numbers = h("dl", { class: "figures seven" });
  const others = h("dl", { class: "figures small" });
  const zoomed = h("button", {
    class: "action zoomed",
    hidden: true,
    on: { click: () => shown.curves.show({ from: undefined, to: undefined }) },
  });
  const newest = h("section", { class: "newest" });
  const messages = h("section", { class: "messages" });
  const notice = h("p", { class: "notice", hidden: true });
  const ending = h("p", { class: "notice", hidden: true });

  const showNewest = () => {
    const { state } = shown.run.description;
    const step = pictureSteps(state).at(-1);
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
    const { data } = shown.curves;
    const smoothed = data && curveOf(data, metricOf("loss")).smoothed.at(-1);
    fill(numbers, ...figures(state, alive, smoothed).map(figure));
    const { kind, word, text } = statusOf(state, alive);
    ending.hidden = kind !== "failed" && kind !== "interrupted";
    setText(ending, `This run ${kind === "failed" ? word : `was ${word}`}: ${text}`);
    const more = otherFigures(state);
    others.hidden = more.length === 0;
    fill(others, ...more.map(figure));
    showNewest();
    showMessages();
  };

  const updateCurves = () => {
    const { data, view } = shown.curves;
    if (data === undefined) return;
    for (const chart of drawn) chart.show(shown.run.description.state, data);
    zoomed.hidden = view.from === undefined;
    setText(zoomed, `Steps ${count(view.from ?? 0)} to ${count(view.to ?? 0)}: show all`);
  };

  return {
    element: h(
      "div",
      { class: "overview" },
      ending,
      numbers,
      others,
      notice,
      h(
        "div",
        { class: "charts" },
        ...drawn.map(({ element }) => element),
      ),
      h(
        "p",
        { class: "tip muted" },
        axisChooser(() => {
          drawn.forEach((chart) => chart.remake());
          updateCurves();
        }),
        " Drag across a curve to look closer, double-click to go back. ",
        zoomed,
      ),
      newest,
      messages,
    ),
    update(what) {
      if (what === "run") updateRun();
      else updateCurves();
    },
    redraw: () => drawn.forEach((chart) => chart.remake()),
    close: () => drawn.forEach((chart) => chart.destroy()),
  };
}

/** @param {RunState} state @param {number} step */
const newestKey = (state, step) =>
  `${step}:${Object.values(state.validations[step].pictures).map(({ at }) => at).join()}`;
