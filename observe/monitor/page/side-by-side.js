/// <reference lib="dom" />
// @ts-check
// Pictures of several runs beside each other at one step, prompt by prompt, with a slider over all steps at
// which one of them has any. The trap: not every run draws at every step, so each shows its last picture up
// to that step and says of which it is.
import { fill, h } from "./dom.js";
import { pictureSteps } from "../../reading/run-answers.js";
import { statusOf } from "../../reading/run-status.js";
import { count } from "./format.js";
import { lookOf } from "./overlay.js";
import { pictureAddress } from "./server.js";

/** @typedef {import("../../reading/run-view.ts").RunView} RunView */
/** @typedef {{id: string, label: string, view: RunView}} Shown one of the runs, in the order of the curves */
/** @typedef {Omit<Shown, "view"> & {colour: string, state: RunView["state"], ended: boolean}} Side */

/** @param {Shown} shown @param {number} i @returns {Side} */
const sideOf = ({ id, label, view: { state, alive } }, i) => ({
  id,
  label,
  colour: lookOf(i).colour,
  state,
  ended: statusOf(state, alive).kind !== "running",
});

/** @param {Side} side @param {number} prompt @param {number} step */
function picture({ id, label, colour, state, ended }, prompt, step) {
  const key = `${prompt}-0`;
  const at = pictureSteps(state).findLast((each) =>
    each <= step && key in state.validations[each].pictures
  );
  const name = h("b", {}, h("i", { class: `dot ${colour}` }), " ", label);
  if (at === undefined) {
    const said = ended ? "no picture up to this step" : "no picture yet";
    return h("figure", {}, h("div", { class: "missing" }, said), h("figcaption", {}, name));
  }
  const { text, width, height, at: made } = state.validations[at].pictures[key];
  return h(
    "figure",
    {},
    h("img", {
      src: pictureAddress(id, `${at}-${key}`, 640, made),
      width,
      height,
      alt: `${label}, step ${at}: ${text}`,
      title: text,
    }),
    h("figcaption", {}, name, at === step ? null : ` step ${count(at)}`),
  );
}

export function createSideBySide() {
  const slider = h("input", { type: "range", min: "0", class: "steps", "aria-label": "step" });
  const label = h("b", {});
  const prompts = h("div", { class: "sides" });
  const element = h(
    "section",
    { hidden: true },
    h("h2", {}, "Pictures"),
    h("div", { class: "toolbar" }, slider, label),
    prompts,
  );
  /** @type {readonly Side[]} */
  let sides = [];
  /** @type {readonly number[]} */
  let steps = [];
  let step = 0;
  let shown = "";

  const show = () => {
    fill(label, `Step ${count(step)}`);
    slider.setAttribute("aria-valuetext", `step ${step}`);
    const most = Math.max(0, ...sides.map(({ state }) => state.prompts.length));
    fill(
      prompts,
      ...Array.from({ length: most }, (_, prompt) => {
        const texts = new Set(sides.flatMap(({ state }) => state.prompts[prompt] ?? []));
        return h(
          "div",
          {},
          h("p", { class: "muted" }, [...texts].join(" · ")),
          h("div", { class: "side-row" }, ...sides.map((side) => picture(side, prompt, step))),
        );
      }),
    );
  };
  slider.addEventListener("input", () => {
    step = steps[Number(slider.value)];
    show();
  });

  return {
    element,
    /** @param {readonly Shown[]} runs */
    update(runs) {
      const wanted = runs.map(sideOf);
      const key = JSON.stringify(
        wanted.map(({ id, label, colour, state, ended }) => [
          ...[id, label, colour, ended],
          Object.values(state.validations).map(({ pictures }) =>
            Object.values(pictures).map(({ at }) => at)
          ),
        ]),
      );
      if (key === shown) return;
      shown = key;
      const atEnd = step === (steps.at(-1) ?? 0);
      sides = wanted;
      steps = [...new Set(sides.flatMap(({ state }) => pictureSteps(state)))].sort((a, b) => a - b);
      if (atEnd || !steps.includes(step)) step = steps.at(-1) ?? 0;
      element.hidden = steps.length === 0;
      slider.max = String(Math.max(0, steps.length - 1));
      slider.value = String(steps.indexOf(step));
      show();
    },
  };
}
