// The optimizers behind one pair of functions: a state to start from, and the state after a step. The
// trap: the learning rate is given at each step (see rates.ts), the one in the options is only its peak.
import { type AdamWOptions, type AdamWState, startAdamW, stepAdamW } from "./adamw.ts";
import { type ProdigyOptions, type ProdigyState, startProdigy, stepProdigy } from "./prodigy.ts";
import type { Gradients, Rows } from "./rows.ts";

export type OptimizerOptions = AdamWOptions | ProdigyOptions;
export type OptimizerState = AdamWState | ProdigyState;

/** The state before the first step; `rows` are copied. */
export function startOptimizer({ optimizer_type }: OptimizerOptions, rows: Rows): OptimizerState {
  const own = rows.map((values) => values.slice());
  return optimizer_type === "AdamW" ? startAdamW(own) : startProdigy(own);
}

/** The state after one step; the old state stays as it is. `options` are those it was started with. */
export function stepOptimizer(
  state: OptimizerState,
  gradients: Gradients,
  learningRate: number,
  options: OptimizerOptions,
): OptimizerState {
  return state.optimizer_type === "AdamW"
    ? stepAdamW(state, gradients, learningRate, options as AdamWOptions)
    : stepProdigy(state, gradients, learningRate, options as ProdigyOptions);
}
