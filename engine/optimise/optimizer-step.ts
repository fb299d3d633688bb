// One optimizer step out of summed gradients: clip, move, pull. And what happens between the batches of
// an accumulated step. The trap: as accelerate does, a batch's gradient is divided by the number of
// batches that a whole step has, also where an epoch's end leaves fewer.
import { clipGradients } from "./clip.ts";
import {
  type OptimizerOptions,
  type OptimizerState,
  scaleState,
  stepOptimizer,
} from "./optimizer.ts";
import type { Gradients, Rows } from "./rows.ts";
import { pullFactor } from "./std-pull.ts";

export interface StepRules {
  readonly optimizer: OptimizerOptions;
  /** What a rate of 1 is for each encoder: 1, or the spread of its vocabulary. */
  readonly rateUnits: readonly number[];
  /** Of all rows' gradients together; null never cuts. */
  readonly maxGradNorm: number | null;
  /** After each step, or (the reference) after every batch. */
  readonly stdPull: "once" | "micro_step" | "off";
  /** Standard deviations of the vocabularies, one an encoder. */
  readonly spreads: readonly number[];
}

export const noGradient = (rows: Rows): Rows => rows.map(({ length }) => new Float64Array(length));

/** `sum` + `gradients` / `accumulation`. */
export const addGradients = (sum: Rows, gradients: Gradients, accumulation: number): Rows =>
  sum.map((total, i) => total.map((value, k) => value + gradients[i][k] / accumulation));

/** With the rows that the next batch of the same step sees. */
export const betweenBatches = (state: OptimizerState, rules: StepRules): OptimizerState =>
  rules.stdPull === "micro_step" ? pulled(state, rules) : state;

/** The state after the step, and the gradient's norm before clipping. */
export function optimizerStep(
  state: OptimizerState,
  sum: Gradients,
  learningRate: number,
  rules: StepRules,
): { readonly state: OptimizerState; readonly norm: number } {
  const { norm, gradients } = clipGradients(sum, rules.maxGradNorm);
  const rates = rules.rateUnits.map((unit) => learningRate * unit);
  const moved = stepOptimizer(state, gradients, rates, rules.optimizer);
  return { state: rules.stdPull === "off" ? moved : pulled(moved, rules), norm };
}

const pulled = (state: OptimizerState, { spreads }: StepRules): OptimizerState =>
  scaleState(state, state.rows.map((values, i) => pullFactor(values, spreads[i])));
