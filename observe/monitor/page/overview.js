/// <reference lib="dom" />
// @ts-check
// The first view: the numbers that tell how the training goes, its curves, the newest pictures, and
// what it had to say. The trap: the raw diffusion loss is mostly the luck of the drawn timestep, so the
// loss on fixed inputs comes with it and the best step is marked there.
import { charts, metricOf } from "../../../inversion/metrics.js";
import { curveOf } from "../../reading/curves.js";
import { axisChooser } from "./axis.js";
import { fill, h, setText } from "./dom.js";
import { figures, otherFigures } from "./figures.js";
import { count, dateTime } from "./format.js";
import { createMetricChart } from "./metric-chart.js";
import { pictureSteps } from "../../reading/run-answers.js";
import { statusOf } from "../../reading/run-status.js";
import { pictureAddress } from "./server.js";

/** @typedef {import("./view.js").Shown} Shown */
/** @typedef {import("../../reading/run-state.js").RunState} RunState */

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
    fill(numbers, ...figures(state, alive, smoothed));
    const { kind, word, text } = statusOf(state, alive);
    ending.hidden = kind !== "failed" && kind !== "interrupted";
    setText(ending, `This run ${kind === "failed" ? word : `was ${word}`}: ${text}`);
    const more = otherFigures(state);
    others.hidden = more.length === 0;
    fill(others, ...more);
    showNewest();
    showMessages();
  };

  const updateCurves = () => {
    const { data, view } = shown.curves;
    if (data === undefined) return;
    for (const chart of drawn) chart.show(shown.run.description.state, data);
    tip.hidden = drawn.every(({ element }) => element.hidden);
    zoomed.hidden = view.from === undefined;
    setText(zoomed, `Steps ${count(view.from ?? 0)} to ${count(view.to ?? 0)}: show all`);
  };

  const tip = h(
    "p",
    { class: "tip muted", hidden: true },
    axisChooser(() => {
      drawn.forEach((chart) => chart.remake());
      updateCurves();
    }),
    " Drag across a curve to look closer, double-click to go back. ",
    zoomed,
  );

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
      tip,
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
