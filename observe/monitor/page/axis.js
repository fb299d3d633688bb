/// <reference lib="dom" />
// @ts-check
// What charts are drawn over: steps, the time that was worked, or the clock. The choice holds for every chart
// of the page. The trap: of runs of different days only steps and worked time lie over each other.
import { workedSeconds } from "../../reading/run-answers.js";
import { h } from "./dom.js";
import { count } from "./format.js";

/** @typedef {import("../../reading/run-state.js").Span} Span */
/** @typedef {{step: readonly number[], at: readonly number[]}} Points */

/**
 * @typedef {object} Axis
 * @property {(points: Points, spans: readonly Span[]) => readonly number[]} place of each point
 * @property {(x: number) => string} say
 * @property {(x: number, increment: number) => string} tick
 * @property {readonly number[]} [increments] between ticks; else decimal
 */

const two = (/** @type {number} */ value) => String(value).padStart(2, "0");

/** Hours, minutes, seconds: 1:05:00, or 5:00. @param {number} seconds */
function elapsed(seconds) {
  const all = Math.round(seconds);
  const [hours, minutes] = [Math.floor(all / 3600), Math.floor(all / 60) % 60];
  return (hours === 0 ? `${minutes}` : `${hours}:${two(minutes)}`) + `:${two(all % 60)}`;
}

const clock = (/** @type {number} */ seconds, /** @type {Intl.DateTimeFormatOptions} */ options) =>
  new Date(seconds * 1000).toLocaleString("en-GB", options);

const times = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200]
  .concat([1, 2, 7, 14, 28].map((days) => days * 86400));

/** @type {Readonly<Record<string, Axis>>} */
export const axes = {
  steps: {
    place: ({ step }) => step,
    say: (x) => `step ${count(x)}`,
    tick: (x) => Number.isInteger(x) ? count(x) : "",
  },
  "time worked": {
    place: ({ at }, spans) => at.map((each) => workedSeconds(spans, each)),
    say: (x) => `after ${elapsed(x)}`,
    tick: elapsed,
    increments: times,
  },
  clock: {
    place: ({ at }) => at.map((each) => each / 1000),
    say: (x) =>
      clock(x, {
        day: "numeric",
        month: "short",
        hour: "2-digit",
        minute: "2-digit",
        second: "2-digit",
      }),
    tick: (x, increment) =>
      increment >= 86400 ? clock(x, { day: "numeric", month: "short" }) : clock(x, {
        hour: "2-digit",
        minute: "2-digit",
        ...(increment < 60 ? { second: "2-digit" } : {}),
      }),
    increments: times,
  },
};

let chosen = "steps";

export const currentAxis = () => axes[chosen];

/** @param {() => void} changed */
export function axisChooser(changed) {
  const chooser = h(
    "select",
    { "aria-label": "axis" },
    ...Object.keys(axes).map((name) => h("option", {}, name)),
  );
  chooser.value = chosen;
  chooser.addEventListener("change", () => {
    chosen = chooser.value;
    changed();
  });
  return h("label", { class: "axis muted" }, "over ", chooser);
}
