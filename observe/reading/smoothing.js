// @ts-check
// The debiased running average that TensorBoard draws: it does not rewrite the past when points
// come. Smooth all points first and thin them afterwards; the state lets the page go on live.

/** @typedef {{weight: number, last: number, count: number}} SmoothingState */

/** @param {number} weight in [0, 1) @returns {SmoothingState} */
export const newSmoothing = (weight) => ({ weight, last: 0, count: 0 });

/**
 * The smoothed value after `value`; `state` is changed.
 * @param {SmoothingState} state @param {number} value
 */
export function smooth(state, value) {
  const { weight } = state;
  state.last = state.last * weight + (1 - weight) * value;
  state.count += 1;
  return state.last / (1 - weight ** state.count);
}
