/// <reference lib="dom" />
// @ts-check
// The validation pictures of one step, prompt by prompt; a click shows one in full size.
// The trap: everything goes by (prompt, step), never by position, since a validation may be unfinished.
import { fill, h } from "./dom.js";
import { clientsOf, pictureText } from "./format.js";
import { pictureAddress } from "./server.js";

/** @typedef {import("../../reading/run-state.js").RunState} RunState */

/** The pictures of a prompt at a step, in their order. @param {RunState} state @param {number} step @param {number} prompt */
export const picturesOf = (state, step, prompt) =>
  Object.entries(state.validations[step]?.pictures ?? {})
    .map(([key, picture]) => ({ key, picture, parts: key.split("-").map(Number) }))
    .filter(({ parts }) => parts[0] === prompt)
    .sort((a, b) => a.parts[1] - b.parts[1]);

/** @param {string} run its id @param {(key: string) => void} onOpen */
export function createPromptPictures(run, onOpen) {
  const element = h("div", { class: "stage" });

  /** @param {number} step @param {ReturnType<typeof picturesOf>[number]} shown */
  const button = (step, { key, picture }) =>
    h(
      "button",
      { class: "picture", title: "Full size (Enter)", on: { click: () => onOpen(key) } },
      h("img", {
        src: pictureAddress(run, `${step}-${key}`, 640, picture.at),
        width: picture.width,
        height: picture.height,
        alt: `step ${step}: ${pictureText(picture)}`,
      }),
      picture.pooling === undefined
        ? null
        : h("span", { class: "whose" }, clientsOf(picture.pooling)),
    );

  /** @param {RunState} state @param {number} step @param {number} prompt */
  const figure = (state, step, prompt) => {
    const pictures = picturesOf(state, step, prompt);
    return h(
      "figure",
      { class: "prompt", dataset: { prompt: String(prompt) } },
      h(
        "div",
        { class: "images" },
        ...pictures.map((each) => button(step, each)),
        pictures.length === 0 ? h("div", { class: "missing" }, "no picture at this step") : null,
      ),
      h("figcaption", {}, pictures[0]?.picture.text ?? state.prompts[prompt]),
    );
  };

  let shown = "";
  return {
    element,
    /** @param {RunState} state @param {number} step @param {number} current the prompt that is marked */
    update(state, step, current) {
      const pictures = Object.values(state.validations[step]?.pictures ?? {});
      const wanted = `${step}:${pictures.map(({ at }) => at)}`;
      if (wanted !== shown) {
        shown = wanted;
        fill(element, ...state.prompts.map((_, prompt) => figure(state, step, prompt)));
      }
      for (const figure of element.children) {
        figure.classList.toggle("current", figure.dataset.prompt === String(current));
      }
    },
  };
}
