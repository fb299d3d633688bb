// @ts-check
// What a folded run says on being asked: its file of a step, the steps with pictures, pace and times.
// The trap: between attempts nobody works, so the time that was worked is that of the attempts alone.

/** @typedef {import("./run-state.js").RunState} RunState */
/** @typedef {import("./run-state.js").Checkpoint} Checkpoint */
/** @typedef {import("./run-state.js").Span} Span */

/**
 * The file that holds the rows of a step, if there is one.
 * @param {RunState} state @param {number} step
 * @returns {Checkpoint | undefined}
 */
export function checkpointAt({ checkpoints, best }, step) {
  const kept = checkpoints[step];
  if (kept !== undefined && !kept.pruned) return kept;
  return best?.step === step ? best : undefined;
}

/** Steps whose validation has pictures, rising. @param {Pick<RunState, "validations">} state */
export const pictureSteps = ({ validations }) =>
  Object.values(validations).filter(({ pictures }) => Object.keys(pictures).length > 0)
    .map(({ step }) => step).sort((a, b) => a - b);

/** Seconds a step takes, by the last ones; null before the first. @param {Pick<RunState, "metrics">} state */
export function secondsPerStep({ metrics }) {
  const recent = metrics.seconds?.recent ?? [];
  return recent.length === 0 ? null : recent.reduce((sum, each) => sum + each, 0) / recent.length;
}

/**
 * Seconds that the rest takes at the pace of the last steps.
 * @param {Pick<RunState, "metrics" | "step" | "totalSteps" | "outcome">} state
 */
export function remainingSeconds(state) {
  const pace = secondsPerStep(state);
  if (state.outcome !== null || pace === null) return null;
  return Math.max(0, state.totalSteps - state.step) * pace;
}

/**
 * Seconds that were worked until `at`: what lies between attempts is not counted.
 * @param {readonly Span[]} spans @param {number} [at] milliseconds since 1970; left out: until now
 */
export const workedSeconds = (spans, at = Infinity) =>
  spans.reduce((sum, { from, to }) => sum + Math.max(0, Math.min(to, at) - from), 0) / 1000;

/** Seconds from the first attempt's start to the last one's end. @param {readonly Span[]} spans */
export const totalSeconds = (spans) =>
  spans.length === 0 ? 0 : (spans[spans.length - 1].to - spans[0].from) / 1000;
