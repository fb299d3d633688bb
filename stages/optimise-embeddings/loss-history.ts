// What the fixed-input losses so far say: whether the loss has settled (its variance over the last
// steps against the variance of all, below 0.15; arXiv 2302.04841), and how sure a difference of two
// measures is.
// The trap: sums run in order, so that the verdict is the same bytes after any resume.
import { settledSteps, settledValues } from "../../config/length.ts";

const settledBelow = 0.15;

/** Values of the fixed-input loss, and the steps at which they were measured. */
export interface LossHistory {
  readonly fixedLosses: Float64Array;
  readonly fixedSteps: Float64Array;
}

export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum / values.length;
}

function squaredDistances(values: ArrayLike<number>): number {
  const middle = mean(values);
  let squares = 0;
  for (let i = 0; i < values.length; i++) squares += (values[i] - middle) * (values[i] - middle);
  return squares;
}

const variance = (values: ArrayLike<number>): number => squaredDistances(values) / values.length;

/** null while everything there is lies within the last steps, or is too few values. */
export function varianceRatio({ fixedLosses, fixedSteps }: LossHistory): number | null {
  const from = (fixedSteps.at(-1) ?? 0) - settledSteps;
  const within = fixedSteps.findIndex((step) => step > from);
  const window = Math.max(settledValues, fixedLosses.length - within);
  if (from < 0 || fixedLosses.length <= window) return null;
  const all = variance(fixedLosses);
  return all === 0 ? 0 : variance(fixedLosses.subarray(fixedLosses.length - window)) / all;
}

export const hasSettled = (history: LossHistory): boolean => {
  const ratio = varianceRatio(history);
  return ratio !== null && ratio < settledBelow;
};

/** By how much `losses` are higher than `than` in the mean, item by item, and the standard error of that. */
export interface Difference {
  readonly difference: number;
  readonly error: number;
}

/** null where there are not two items of each to compare. */
export function pairedDifference(losses: Float64Array, than: Float64Array): Difference | null {
  const count = losses.length;
  if (count < 2 || than.length !== count) return null;
  const differences = losses.map((loss, i) => loss - than[i]);
  return {
    difference: mean(differences),
    error: Math.sqrt(squaredDistances(differences) / (count - 1) / count),
  };
}
