// The optimizers, by the configuration's names: one table from which its options, the start, the step and
// the state file follow. The trap: the rates are given at each step (see rates.ts), the one in the options
// is only their peak.
import { adamW } from "./adamw.ts";
import type { OptimizerKind } from "./optimizer-kind.ts";
import { prodigy } from "./prodigy.ts";
import type { Gradients, Rows } from "./rows.ts";

/** Each optimizer's options, start, step and parts of the state, by its name in a configuration. */
export const optimizers = { AdamW: adamW, Prodigy: prodigy };

/** An optimizer by its name in a configuration. */
export type OptimizerName = keyof typeof optimizers;
/** @internal */
type OptionsOf<Name extends OptimizerName> = Parameters<(typeof optimizers)[Name]["step"]>[3];
/** @internal */
type StateOf<Name extends OptimizerName> = ReturnType<(typeof optimizers)[Name]["start"]>;

/** The options of one of them; `optimizer_type` tells which. */
export type OptimizerOptions = { [Name in OptimizerName]: OptionsOf<Name> }[OptimizerName];
/** What one of them keeps from step to step: the rows and their moments. It is never changed in place. */
export type OptimizerState = { [Name in OptimizerName]: StateOf<Name> }[OptimizerName];

/** The row of the table, with the types of whichever optimizer it is put aside. */
export const optimizerKind = (
  name: OptimizerName,
): OptimizerKind<OptimizerOptions, OptimizerState> =>
  optimizers[name] as unknown as OptimizerKind<OptimizerOptions, OptimizerState>;

/** The state before the first step; `rows` are copied. */
export const startOptimizer = (
  { optimizer_type }: Pick<OptimizerOptions, "optimizer_type">,
  rows: Rows,
): OptimizerState =>
  optimizerKind(optimizer_type).start(rows.map((values) => Float64Array.from(values)));

/**
 * The state after one step; the old state stays as it is. `rates`: one an encoder. `options` are those it
 * was started with.
 */
export const stepOptimizer = (
  state: OptimizerState,
  gradients: Gradients,
  rates: readonly number[],
  options: OptimizerOptions,
): OptimizerState => optimizerKind(state.optimizer_type).step(state, gradients, rates, options);

/** The state with each encoder's rows times its factor, which was no step. */
export const scaleState = (state: OptimizerState, factors: readonly number[]): OptimizerState =>
  optimizerKind(state.optimizer_type).scaled(state, factors);

/** The step size that it has found by itself, a factor on the rate; null: it looks for none. */
export const stepSizeFound = (state: OptimizerState): number | null =>
  optimizerKind(state.optimizer_type).stepSize?.of(state) ?? null;
