// AdamW (Loshchilov & Hutter 2019) as PyTorch computes it, over the rows of all encoders in float64: in
// bfloat16, as the reference trains, a quarter of the values never moves. The trap: weight decay shrinks
// the rows by the rate of this very step, so it follows the schedule.
import { Schema } from "effect";
import { pow } from "../random/exact-math.ts";
import { notNegative, type OptimizerKind, optimizerOption, positive } from "./optimizer-kind.ts";
import { type Gradients, type Rows, scaleRows } from "./rows.ts";

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

const startAdamW = (rows: Rows): AdamWState => ({
  optimizer_type: "AdamW",
  step: 0,
  rows,
  expAvg: rows.map(({ length }) => new Float64Array(length)),
  expAvgSq: rows.map(({ length }) => new Float64Array(length)),
});

const beta = Schema.Finite.check(
  Schema.isBetween({ minimum: 0, maximum: 1, exclusiveMaximum: true }),
);

/** In the order in which they are explained. */
const options = {
  learning_rate: optimizerOption(notNegative, {
    doc:
      "The rate after any warm-up. For these rows 1e-3 to 1e-2 is usual; with learning_rate_unit " +
      "vocabulary 0.1 to 0.6.",
    default: 1e-4,
  }),
  learning_rate_unit: optimizerOption(Schema.Literals(["absolute", "vocabulary"]), {
    doc: "What 1 means: absolute, or the spread of each text encoder's vocabulary (the standard " +
      "deviation of all its embeddings), so that one number fits every model.",
    default: "absolute",
    late: true,
  }),
  beta1: optimizerOption(beta, { doc: "The decay of the mean of gradients.", default: 0.9 }),
  beta2: optimizerOption(beta, {
    doc: "The decay of the mean of squared gradients.",
    default: 0.999,
  }),
  weight_decay: optimizerOption(notNegative, {
    doc: "How strongly the rows are pulled to zero: rows times 1 - rate * weight_decay each step.",
    default: 1e-2,
  }),
  epsilon: optimizerOption(positive, {
    doc: "Keeps the division by the root of squared gradients finite.",
    default: 1e-8,
  }),
  use_8bit: optimizerOption(Schema.Boolean, {
    doc: "The reference's 8-bit moments. Here the moments take kilobytes, so they stay float64.",
    default: false,
    keepsRun: true,
  }),
};

/** The state after one step along `gradients`; the old state stays as it is. `rates`: one an encoder. */
function stepAdamW(
  state: AdamWState,
  gradients: Gradients,
  rates: readonly number[],
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
  const meanCorrection = 1 - pow(beta1, step);
  const rootCorrection = Math.sqrt(1 - pow(beta2, step));
  const rows = state.rows.map((values, group) => {
    const stride = rates[group] / meanCorrection;
    const kept = 1 - rates[group] * weight_decay;
    return values.map((value, i) => {
      const spread = Math.sqrt(expAvgSq[group][i]) / rootCorrection + epsilon;
      return value * kept - stride * expAvg[group][i] / spread;
    });
  });
  return { optimizer_type: "AdamW", step, rows, expAvg, expAvgSq };
}

export const adamW = {
  options,
  start: startAdamW,
  step: stepAdamW,
  scaled: (state, factors) => ({ ...state, rows: scaleRows(state.rows, factors) }),
  arrays: ["rows", "expAvg", "expAvgSq"],
  scalars: ["step"],
} satisfies OptimizerKind<AdamWOptions, AdamWState>;
