/// <reference lib="dom" />
// @ts-check
// The numbers that tell how a training goes, each with a line on what it means.
import { h } from "./dom.js";
import { clientsOf, count, dateTime, duration, loss, memory, short } from "./format.js";
import {
  remainingSeconds,
  secondsPerStep,
  totalSeconds,
  workedSeconds,
} from "../../reading/run-answers.js";
import { statusOf } from "../../reading/run-status.js";

/** @typedef {import("../../reading/run-state.js").RunState} RunState */

/** Below this the fixed losses no longer move much. */
const converged = 0.15;

/** @param {RunState} state @param {boolean} alive @param {number | null | undefined} smoothed */
function usual(state, alive, smoothed) {
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
const particular = ({ fixedLoss, following }) => [
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

/**
 * Of every training. `smoothed` is its smoothed loss.
 * @param {RunState} state @param {boolean} alive @param {number | null | undefined} smoothed
 */
export const figures = (state, alive, smoothed) => usual(state, alive, smoothed).map(figure);

/** What only some trainings measure. @param {RunState} state */
export const otherFigures = (state) => particular(state).map(figure);
