/// <reference lib="dom" />
// @ts-check
// All validation pictures, a row for each prompt and a column for each step. Only the columns in sight
// are in the document, so a thousand validations scroll as smoothly as ten.
// The trap: scrolling is the user's; the grid scrolls by itself only when the shown step changes.
import { fill, h, icon } from "./dom.js";
import { count } from "./format.js";

const columnWidth = 104;
const spareColumns = 4;

/**
 * @param {{
 *   address: (id: string, at: number) => string,
 *   onPick: (step: number, prompt: number) => void,
 * }} options
 */
export function createFilmGrid({ address, onPick }) {
  const columns = h("div", { class: "film-columns" });
  const scroller = h("div", { class: "film-scroller", tabIndex: -1 }, columns);
  const labels = h("div", { class: "film-labels" });
  const element = h(
    "div",
    { class: "film", role: "group", "aria-label": "prompt by step" },
    labels,
    scroller,
  );
  /** @type {{state: import("../../reading/run-state.js").RunState, steps: number[], step: number,
   *   prompt: number}} */
  let shown;
  let shownStep = -1;
  /** Columns in the document, by step, with what they show. @type {Map<number, HTMLElement>} */
  const made = new Map();

  /** @param {number} step */
  const signOf = (step) => {
    const { state, prompt, step: current } = shown;
    const pictures = state.validations[step]?.pictures ?? {};
    return [
      current === step ? prompt : -1,
      state.chosen?.step === step,
      state.fixedLoss?.bestStep === step,
      state.prompts.length,
      ...Object.values(pictures).map(({ at }) => at),
    ].join();
  };

  /** @param {number} step */
  const makeColumn = (step) => {
    const { state, prompt, step: current } = shown;
    const pictures = state.validations[step]?.pictures ?? {};
    const column = h(
      "div",
      {
        class: `film-column${current === step ? " current" : ""}`,
        dataset: { sign: signOf(step) },
      },
      h(
        "div",
        { class: "film-step" },
        state.chosen?.step === step ? icon("star") : null,
        state.fixedLoss?.bestStep === step
          ? h("i", { class: "dot good", title: "best fixed loss" })
          : null,
        count(step),
      ),
      ...state.prompts.map((text, number) => {
        const picture = pictures[`${number}-0`];
        return h(
          "button",
          {
            class: `film-cell${current === step && prompt === number ? " current" : ""}`,
            tabIndex: current === step && prompt === number ? 0 : -1,
            "aria-label": `step ${step}: ${picture?.text ?? text}`,
            on: { click: () => onPick(step, number) },
          },
          picture === undefined ? null : h("img", {
            src: address(`${step}-${number}-0`, picture.at),
            alt: "",
            decoding: "async",
          }),
        );
      }),
    );
    column.style.left = `${shown.steps.indexOf(step) * columnWidth}px`;
    return column;
  };

  const draw = () => {
    const { steps } = shown;
    const first = Math.floor(scroller.scrollLeft / columnWidth) - spareColumns;
    const last = Math.ceil((scroller.scrollLeft + scroller.clientWidth) / columnWidth) +
      spareColumns;
    const inSight = new Set(steps.slice(Math.max(0, first), last));
    for (const [step, column] of made) {
      if (inSight.has(step)) continue;
      column.remove();
      made.delete(step);
    }
    for (const step of inSight) {
      const before = made.get(step);
      if (before?.dataset.sign === signOf(step)) continue;
      const column = makeColumn(step);
      if (before === undefined) columns.append(column);
      else before.replaceWith(column);
      made.set(step, column);
    }
  };

  const reveal = () => {
    const left = shown.steps.indexOf(shown.step) * columnWidth;
    const { scrollLeft, clientWidth } = scroller;
    if (left < scrollLeft || left + columnWidth > scrollLeft + clientWidth) {
      scroller.scrollLeft = left - (clientWidth - columnWidth) / 2;
    }
  };

  scroller.addEventListener("scroll", () => shown !== undefined && draw(), { passive: true });
  new ResizeObserver(() => {
    if (shown === undefined) return;
    if (shownStep < 0) reveal();
    draw();
  }).observe(scroller);

  return {
    element,
    /** @param {typeof shown} next */
    show(next) {
      const reordered = shown !== undefined &&
        next.steps.some((step, i) => i < shown.steps.length && shown.steps[i] !== step);
      shown = next;
      if (reordered) {
        for (const column of made.values()) column.remove();
        made.clear();
      }
      columns.style.width = `${next.steps.length * columnWidth}px`;
      columns.style.height = `${26 + next.state.prompts.length * columnWidth}px`;
      fill(
        labels,
        h("div", { class: "film-step" }, "step"),
        ...next.state.prompts.map((text) => h("div", { class: "film-label", title: text }, text)),
      );
      if (next.step !== shownStep && scroller.clientWidth > 0) {
        shownStep = next.step;
        reveal();
      }
      draw();
    },
  };
}
