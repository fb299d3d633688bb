/// <reference lib="dom" />
// @ts-check
// The checkpoint explorer: validation pictures of one step at a time with a slider over the steps, the
// training pictures beside them, and below all of them as a grid of prompt by step.
// The trap: the slider follows new pictures only while it stands at the last step.
import { fill, h, icon } from "./dom.js";
import { createFilmGrid } from "./film-grid.js";
import { openLightbox } from "./lightbox.js";
import { createPromptPictures, picturesOf } from "./prompt-pictures.js";
import { pictureSteps } from "../../reading/run-answers.js";
import { statusOf } from "../../reading/run-status.js";
import { pictureAddress } from "./server.js";
import { createStepFacts } from "./step-facts.js";
import { createTrainingPictures } from "./training-pictures.js";

/** @typedef {import("./view.js").Shown} Shown */

const playMilliseconds = 350;

/** @param {Shown} shown @returns {import("./view.js").View} */
export function createExplorer({ run, curves }) {
  let state = run.description.state;
  let steps = pictureSteps(state);
  const asked = Number(location.hash.split("/")[4]);
  let step = steps.includes(asked) ? asked : steps.at(-1) ?? 0;
  let prompt = 0;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  let playing;

  const slider = h("input", { type: "range", min: "0", class: "steps", "aria-label": "step" });
  const typed = h("input", {
    type: "number",
    min: "0",
    class: "typed",
    "aria-label": "go to step",
  });
  const play = h("button", { class: "action", title: "Play (space)", "aria-label": "Play" });
  const empty = h(
    "p",
    { class: "waiting" },
    statusOf(run.description.state, run.description.alive).kind === "running"
      ? "No pictures yet. The first come with step 0."
      : "This run has no pictures.",
  );

  const stage = createPromptPictures(run.id, (key) => enlarge(key));
  const training = createTrainingPictures(run);
  const facts = createStepFacts({ run, curves }, (at) => goNear(at));
  const grid = createFilmGrid({
    address: (id, at) => pictureAddress(run.id, id, 160, at),
    onPick(pickedStep, pickedPrompt) {
      prompt = pickedPrompt;
      go(pickedStep);
    },
  });

  function go(/** @type {number} */ wanted) {
    if (!steps.includes(wanted)) return;
    step = wanted;
    const view = `#/run/${encodeURIComponent(run.id)}/pictures/${step}`;
    history.replaceState(null, "", view);
    show();
  }

  const move = (/** @type {number} */ by) => {
    const at = steps.indexOf(step);
    go(steps[Math.min(steps.length - 1, Math.max(0, at + by))]);
  };

  const goNear = (/** @type {number} */ wanted) =>
    go(steps.reduce((a, b) => Math.abs(b - wanted) < Math.abs(a - wanted) ? b : a, steps[0]));

  const setPlaying = (/** @type {boolean} */ on) => {
    clearInterval(playing);
    playing = on
      ? setInterval(() => step === steps.at(-1) ? setPlaying(false) : move(1), playMilliseconds)
      : undefined;
    fill(play, icon(on ? "pause" : "play"));
  };

  const enlarge = (/** @type {string} */ key) =>
    openLightbox({ run, steps, step, key, onStep: (/** @type {number} */ at) => go(at) });

  function show() {
    empty.hidden = steps.length > 0;
    slider.max = String(Math.max(0, steps.length - 1));
    slider.value = String(steps.indexOf(step));
    slider.setAttribute("aria-valuetext", `step ${step}`);
    if (document.activeElement !== typed) typed.value = String(step);
    facts.update(step);
    stage.update(state, step, prompt);
    training.update();
    grid.show({ state, steps, step, prompt });
  }

  slider.addEventListener("input", () => go(steps[Number(slider.value)]));
  typed.addEventListener("change", () => goNear(Number(typed.value)));
  play.addEventListener("click", () => setPlaying(playing === undefined));
  setPlaying(false);

  /** @type {Record<string, () => void>} */
  const keys = {
    ArrowLeft: () => move(-1),
    ArrowRight: () => move(1),
    ArrowUp: () => prompt = Math.max(0, prompt - 1),
    ArrowDown: () => prompt = Math.min(state.prompts.length - 1, prompt + 1),
    Home: () => go(steps[0]),
    End: () => go(steps[steps.length - 1]),
    b: facts.goToBest,
    c: facts.copyPath,
    m: facts.markChosen,
    " ": () => play.click(),
    Enter: () => {
      const [first] = picturesOf(state, step, prompt);
      if (first !== undefined) enlarge(first.key);
    },
  };

  return {
    element: h(
      "div",
      { class: "explorer" },
      empty,
      h(
        "div",
        { class: "toolbar" },
        h("button", {
          class: "action",
          "aria-label": "step before",
          on: { click: () => move(-1) },
        }, icon("left")),
        slider,
        h("button", {
          class: "action",
          "aria-label": "step after",
          on: { click: () => move(1) },
        }, icon("right")),
        typed,
        play,
      ),
      facts.element,
      h("div", { class: "beside" }, stage.element, training.element),
      h("h2", {}, "All steps"),
      grid.element,
    ),
    update(what) {
      if (what === "curves") return facts.update(step);
      const followed = step === steps.at(-1) || steps.length === 0;
      state = run.description.state;
      steps = pictureSteps(state);
      if (followed && playing === undefined) step = steps.at(-1) ?? 0;
      show();
    },
    key(event) {
      const onButton = event.target instanceof HTMLButtonElement &&
        (event.key === " " || event.key === "Enter");
      const act = keys[event.key];
      if (act === undefined || onButton || document.querySelector("dialog[open]")) return false;
      act();
      if (steps.length > 0) show();
      return true;
    },
    close: () => clearInterval(playing),
  };
}
