// An exponential mean of the rows along a training: smoother than the rows themselves, and worth most with
// a rate that stays high. The trap: the decay begins low (Polyak's warm-up, as TensorFlow and timm have
// it), or else the first rows would weigh for hundreds of steps.
import type { Rows } from "./rows.ts";

/** The decay of step k, counted from 1: min(decay, (1 + k) / (10 + k)). */
const decayAt = (decay: number, step: number): number => Math.min(decay, (1 + step) / (10 + step));

/** The mean after `step` steps, `rows` being those of that step; before the first it is the rows. */
export function averageRows(mean: Rows, rows: Rows, decay: number, step: number): Rows {
  const kept = decayAt(decay, step);
  return mean.map((values, group) =>
    values.map((value, i) => kept * value + (1 - kept) * rows[group][i])
  );
}
