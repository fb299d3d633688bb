// What the course of the fixed-input loss says: the best step so far, and whether the loss has settled
// (variance of its last 200 values over the variance of all, below 0.15; arXiv 2302.04841).
// The trap: sums run in order, so that the verdict is the same bytes after any resume.
import { settledAfter } from "../../config/length.ts";

const settledBelow = 0.15;

function variance(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  const mean = sum / values.length;
  let squares = 0;
  for (let i = 0; i < values.length; i++) squares += (values[i] - mean) * (values[i] - mean);
  return squares / values.length;
}

/** null while there are not more values than the window holds. */
export function varianceRatio(losses: Float64Array): number | null {
  if (losses.length <= settledAfter) return null;
  const all = variance(losses);
  return all === 0 ? 0 : variance(losses.subarray(losses.length - settledAfter)) / all;
}

export const hasSettled = (losses: Float64Array): boolean => {
  const ratio = varianceRatio(losses);
  return ratio !== null && ratio < settledBelow;
};
