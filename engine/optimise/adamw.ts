// AdamW (Loshchilov & Hutter 2019) as PyTorch computes it, over the rows of all encoders in float64: in
// bfloat16, as the reference trains, a quarter of the values never moves. The trap: weight decay shrinks
// the rows by the rate of this very step, so it follows the schedule.
import { pow } from "../random/exact-math.ts";
import type { Gradients, Rows } from "./rows.ts";

/** Names as in the training configuration. */
export interface AdamWOptions {
  readonly optimizer_type: "AdamW";
  readonly beta1: number;
  readonly beta2: number;
  readonly weight_decay: number;
  readonly epsilon: number;
}

export interface AdamWState {
  readonly optimizer_type: "AdamW";
  /** Steps taken. */
  readonly step: number;
  readonly rows: Rows;
  /** Running means of the gradients and of their squares. */
  readonly expAvg: Rows;
  readonly expAvgSq: Rows;
}

export const startAdamW = (rows: Rows): AdamWState => ({
  optimizer_type: "AdamW",
  step: 0,
  rows,
  expAvg: rows.map(({ length }) => new Float64Array(length)),
  expAvgSq: rows.map(({ length }) => new Float64Array(length)),
});

/** The state after one step along `gradients`; the old state stays as it is. */
export function stepAdamW(
  state: AdamWState,
  gradients: Gradients,
  learningRate: number,
  { beta1, beta2, weight_decay, epsilon }: AdamWOptions,
): AdamWState {
  const step = state.step + 1;
  const expAvg = state.expAvg.map((means, group) =>
    means.map((mean, i) => mean + (1 - beta1) * (gradients[group][i] - mean))
  );
  const expAvgSq = state.expAvgSq.map((squares, group) =>
    squares.map((square, i) => {
      const gradient = gradients[group][i];
      return beta2 * square + (1 - beta2) * gradient * gradient;
    })
  );
  const stride = learningRate / (1 - pow(beta1, step));
  const rootCorrection = Math.sqrt(1 - pow(beta2, step));
  const kept = 1 - learningRate * weight_decay;
  const rows = state.rows.map((values, group) =>
    values.map((value, i) => {
      const spread = Math.sqrt(expAvgSq[group][i]) / rootCorrection + epsilon;
      return value * kept - stride * expAvg[group][i] / spread;
    })
  );
  return { optimizer_type: "AdamW", step, rows, expAvg, expAvgSq };
}
