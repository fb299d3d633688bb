/// <reference lib="dom" />
// @ts-check
// The checkpoint explorer: validation pictures of one step at a time with a slider over the steps, the
// training pictures beside them, and below all of them as a grid of prompt by step.
// The trap: everything goes by (prompt, step), never by position, since a validation may be unfinished;
// and the slider follows new pictures only while it stands at the last step.
import { metricOf } from "../../../inversion/metrics.js";
import { curveOf } from "../../reading/curves.js";
import { fill, h, icon } from "./dom.js";
import { createFilmGrid } from "./film-grid.js";
import { clientsOf, count, loss, pictureText } from "./format.js";
import { openLightbox } from "./lightbox.js";
import { checkpointAt, pictureSteps } from "../../reading/run-answers.js";
import { statusOf } from "../../reading/run-status.js";
import { pictureAddress } from "./server.js";
import { request } from "./steering.js";
import { toast } from "./toast.js";

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
  const facts = h("p", { class: "facts" });
  const copy = h("button", { class: "action", title: "Copy the checkpoint's path (c)" });
  const choose = h("button", { class: "action", title: "Mark the checkpoint as chosen (m)" });
  const best = h("button", { class: "action", title: "The step with the best fixed loss (b)" });
  const stage = h("div", { class: "stage" });
  const training = h("aside", { class: "training", "aria-label": "training pictures" });
  const empty = h(
    "p",
    { class: "waiting" },
    statusOf(run.description.state, run.description.alive).kind === "running"
      ? "No pictures yet. The first come with step 0."
      : "This run has no pictures.",
  );

  const grid = createFilmGrid({
    address: (id, at) => pictureAddress(run.id, id, 160, at),
    onPick(pickedStep, pickedPrompt) {
      prompt = pickedPrompt;
      go(pickedStep);
    },
  });

  const checkpoint = () => checkpointAt(state, step);

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

  const copyPath = async () => {
    const found = checkpoint();
    if (found === undefined) return;
    const path = `${run.description.folder}/${found.path}`;
    try {
      await navigator.clipboard.writeText(path);
      toast(`The path of step ${count(found.step)} is copied.`, "good");
    } catch {
      toast(path);
    }
  };

  const markChosen = () => {
    if (checkpoint() === undefined) return;
    request(run, { request: "choose", step }, `Step ${count(step)} is marked as chosen.`);
  };

  const fixedLossHere = () => {
    const fixed = curves.data && curveOf(curves.data, metricOf("fixedLoss"));
    return fixed?.last[fixed.step.indexOf(step)];
  };

  const showFacts = () => {
    const { validations, chosen, fixedLoss } = state;
    const validation = validations[step];
    const here = fixedLossHere();
    fill(
      facts,
      h("b", {}, `Step ${count(step)}`),
      h("span", {}, `epoch ${count(validation?.epoch ?? 0)}`),
      here === undefined ? null : h("span", {}, `fixed loss ${loss(here)}`),
      fixedLoss?.bestStep === step ? h("span", { class: "tag good" }, "best fixed loss") : null,
      chosen?.step === step ? h("span", { class: "tag chosen" }, icon("star"), "chosen") : null,
      step === 0 ? h("span", { class: "tag" }, "before training") : null,
      validation?.state === "failed"
        ? h("span", { class: "tag bad" }, `validation failed: ${validation.error}`)
        : null,
      validation?.state === "running" ? h("span", { class: "tag" }, "being drawn …") : null,
    );
    const found = checkpoint();
    copy.disabled = choose.disabled = found === undefined;
    fill(copy, icon("copy"), h("span", {}, found ? "Copy path" : "No checkpoint here"));
    fill(choose, icon("star"), h("span", {}, chosen?.step === step ? "Chosen" : "Mark as chosen"));
    choose.hidden = found === undefined;
    best.disabled = fixedLoss === null;
    fill(
      best,
      h("span", {}, fixedLoss === null ? "Best" : `Best: step ${count(fixedLoss.bestStep)}`),
    );
  };

  /** The pictures of a prompt at the step, in their order. @param {number} wanted */
  const picturesOf = (wanted) =>
    Object.entries(state.validations[step]?.pictures ?? {})
      .map(([key, picture]) => ({ key, picture, parts: key.split("-").map(Number) }))
      .filter(({ parts }) => parts[0] === wanted)
      .sort((a, b) => a.parts[1] - b.parts[1]);

  const enlarge = (/** @type {string} */ key) =>
    openLightbox({ run, steps, step, key, onStep: (/** @type {number} */ at) => go(at) });

  const showStage = () => {
    const wanted = `${step}:${
      Object.values(state.validations[step]?.pictures ?? {}).map((p) => p.at)
    }`;
    if (stage.dataset.shown === wanted) return;
    stage.dataset.shown = wanted;
    fill(
      stage,
      ...state.prompts.map((_, number) => {
        const pictures = picturesOf(number);
        return h(
          "figure",
          { class: "prompt", dataset: { prompt: String(number) } },
          h(
            "div",
            { class: "images" },
            ...pictures.map(({ key, picture }) =>
              h(
                "button",
                { class: "picture", title: "Full size (Enter)", on: { click: () => enlarge(key) } },
                h("img", {
                  src: pictureAddress(run.id, `${step}-${key}`, 640, picture.at),
                  width: picture.width,
                  height: picture.height,
                  alt: `step ${step}: ${pictureText(picture)}`,
                }),
                picture.pooling === undefined
                  ? null
                  : h("span", { class: "whose" }, clientsOf(picture.pooling)),
              )
            ),
            pictures.length === 0
              ? h("div", { class: "missing" }, "no picture at this step")
              : null,
          ),
          h("figcaption", {}, pictures[0]?.picture.text ?? state.prompts[number]),
        );
      }),
    );
  };

  const showPrompt = () => {
    for (const figure of stage.children) {
      figure.classList.toggle("current", figure.dataset.prompt === String(prompt));
    }
  };

  const showTraining = () => {
    const pictures = run.description.training;
    training.hidden = pictures.length === 0;
    if (training.dataset.shown === String(pictures.length)) return;
    training.dataset.shown = String(pictures.length);
    fill(
      training,
      h("h2", {}, "Training pictures"),
      h(
        "div",
        { class: "tiles" },
        ...pictures.map(({ name, caption }, i) =>
          h("img", {
            src: pictureAddress(run.id, `training-${i}`, 320),
            alt: caption ?? name,
            title: caption ?? name,
            loading: "lazy",
          })
        ),
      ),
    );
  };

  function show() {
    empty.hidden = steps.length > 0;
    slider.max = String(Math.max(0, steps.length - 1));
    slider.value = String(steps.indexOf(step));
    slider.setAttribute("aria-valuetext", `step ${step}`);
    if (document.activeElement !== typed) typed.value = String(step);
    showFacts();
    showStage();
    showPrompt();
    showTraining();
    grid.show({ state, steps, step, prompt });
  }

  slider.addEventListener("input", () => go(steps[Number(slider.value)]));
  typed.addEventListener("change", () => goNear(Number(typed.value)));
  play.addEventListener("click", () => setPlaying(playing === undefined));
  copy.addEventListener("click", copyPath);
  choose.addEventListener("click", markChosen);
  best.addEventListener("click", () => state.fixedLoss && goNear(state.fixedLoss.bestStep));
  setPlaying(false);

  /** @type {Record<string, () => void>} */
  const keys = {
    ArrowLeft: () => move(-1),
    ArrowRight: () => move(1),
    ArrowUp: () => prompt = Math.max(0, prompt - 1),
    ArrowDown: () => prompt = Math.min(state.prompts.length - 1, prompt + 1),
    Home: () => go(steps[0]),
    End: () => go(steps[steps.length - 1]),
    b: () => best.click(),
    c: copyPath,
    m: markChosen,
    " ": () => play.click(),
    Enter: () => {
      const [first] = picturesOf(prompt);
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
      h("div", { class: "about" }, facts, h("span", { class: "acts" }, best, copy, choose)),
      h("div", { class: "beside" }, stage, training),
      h("h2", {}, "All steps"),
      grid.element,
    ),
    update(what) {
      if (what === "curves") return showFacts();
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
