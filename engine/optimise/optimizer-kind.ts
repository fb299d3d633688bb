// What one optimizer is: its options, where it starts, its step, and which parts of its state a resume
// needs. A new one is a file with this, and a line in `optimizer.ts`.
// The trap: an option's doc line and default stand here, and the configuration is made of them; a default
// that changes makes another run of every file that leaves the option out.
import { Schema } from "effect";
import type { Gradients, Rows } from "./rows.ts";

/** One option: how it is checked, what it does, what it is when left out. */
export interface OptimizerOption<S extends Schema.Top = Schema.Top> {
  readonly schema: S;
  readonly doc: string;
  readonly default: S["Encoded"];
  /** Changing it changes no result. */
  readonly keepsRun?: true;
  /** It came after the first version; its default is what was done before. */
  readonly late?: true;
}

/** One option of a table; only there for inference. */
export const optimizerOption = <S extends Schema.Top>(
  schema: S,
  about: Omit<OptimizerOption<S>, "schema">,
): OptimizerOption<S> => ({ schema, ...about });

type KeyOf<State, Value> = Extract<
  { [Key in keyof State]: State[Key] extends Value ? Key : never }[keyof State],
  string
>;

export interface OptimizerKind<Options, State extends { readonly rows: Rows }> {
  /** By the configuration's names. `learning_rate` is among them: the rate at its highest. */
  readonly options: Readonly<Record<string, OptimizerOption>>;
  /** Before the first step. The rows are the state's own. */
  readonly start: (rows: Rows) => State;
  /** The state after one step along `gradients`; the old one stays. `rates`: one an encoder. */
  readonly step: (
    state: State,
    gradients: Gradients,
    rates: readonly number[],
    options: Options,
  ) => State;
  /** The state with each encoder's rows times its factor (the std pull), which was no step. */
  readonly scaled: (state: State, factors: readonly number[]) => State;
  /** Of an optimizer that looks for its step size: what it has found, a factor on the rate, and its first. */
  readonly stepSize?: { readonly of: (state: State) => number; readonly first: number };
  /** What a resume needs: `optimizer.rows.0` and so on in the state file, and single numbers. */
  readonly arrays: readonly KeyOf<State, Rows>[];
  readonly scalars: readonly KeyOf<State, number>[];
}

export const notNegative = Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0));
export const positive = Schema.Finite.check(Schema.isGreaterThan(0));
