/// <reference lib="dom" />
// @ts-check
// One picture at full size, with a line to wipe between it and the same prompt at an earlier step.
// Arrow keys go through the steps; both pictures are of the same prompt and seed by their key.
import { fill, h, setText } from "./dom.js";
import { count, pictureText } from "./format.js";
import { pictureAddress } from "./server.js";

/**
 * @param {{
 *   run: import("./live-run.js").LiveRun,
 *   steps: readonly number[],
 *   step: number,
 *   key: string,
 *   onStep: (step: number) => void,
 * }} options `key` is "prompt-image"
 */
export function openLightbox({ run, steps, step: first, key, onStep }) {
  let step = first;
  const { validations } = run.description.state;
  const having = steps.filter((each) => key in (validations[each]?.pictures ?? {}));
  const now = h("img", { class: "now" });
  const then = h("img", { class: "then", alt: "" });
  const caption = h("figcaption", {});
  const line = h("i", { class: "line" });
  const wipe = h("input", {
    type: "range",
    class: "wipe",
    min: "0",
    max: "100",
    step: "0.5",
    value: "0",
    "aria-label": "wipe to the earlier picture",
  });
  const earlier = h(
    "select",
    { "aria-label": "the step to compare with" },
    ...having.map((each) => h("option", { value: String(each) }, `step ${count(each)}`)),
  );

  const addressAt = (/** @type {number} */ at) =>
    pictureAddress(run.id, `${at}-${key}`, 2048, validations[at].pictures[key].at);

  const place = () => {
    const part = Number(wipe.value);
    then.style.clipPath = `inset(0 ${100 - part}% 0 0)`;
    line.style.left = `${part}%`;
    line.hidden = part === 0;
  };

  const show = () => {
    const { width, height } = validations[step].pictures[key];
    const text = pictureText(validations[step].pictures[key]);
    Object.assign(now, { src: addressAt(step), alt: `step ${step}: ${text}`, width, height });
    then.src = addressAt(Number(earlier.value));
    fill(caption, h("b", {}, `Step ${count(step)}`), h("span", {}, text));
    place();
  };

  const move = (/** @type {number} */ by) => {
    const at = Math.min(having.length - 1, Math.max(0, having.indexOf(step) + by));
    step = having[at];
    onStep(step);
    show();
  };

  const label = h("span", { class: "muted" });
  setText(label, "wipe");
  const dialog = h(
    "dialog",
    { class: "lightbox", "aria-label": "picture at full size" },
    h("figure", {}, h("div", { class: "both" }, now, then, line), caption),
    h(
      "div",
      { class: "toolbar" },
      h("label", {}, "compare with ", earlier),
      label,
      wipe,
      h("button", { class: "action", on: { click: () => dialog.close() } }, "Close"),
    ),
  );
  wipe.addEventListener("input", place);
  earlier.addEventListener("change", show);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (/** @type {MouseEvent} */ event) => {
    if (event.target === dialog) dialog.close();
  });
  dialog.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (by === undefined || event.target === wipe) return;
    event.preventDefault();
    event.stopPropagation();
    move(by);
  });
  document.body.append(dialog);
  show();
  dialog.showModal();
  wipe.blur();
}
