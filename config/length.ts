// How long to train.
// The trap: a "step" is one update of the rows, whatever gradient_accumulation_steps is.
import { Schema } from "effect";
import { intFrom, option } from "../runtime/options/option.ts";

/** The fixed-input loss of so many last steps, and of at least so many values, is what has settled or not. */
export const settledSteps = 200;
export const settledValues = 8;

/** The fewest steps after which it can have settled, measured so often. */
export const settledAfter = (every: number): number =>
  Math.max(settledSteps, settledValues * every);

/** The options that say it, of which one is set; the first counts steps. */
export const lengthKeys = ["max_train_steps", "max_train_epochs"] as const;

export const lengthFields = {
  max_train_steps: option(Schema.NullOr(intFrom(1)), {
    doc: "How many steps to train. Exactly one of max_train_steps and max_train_epochs is set. " +
      "With a constant rate, a larger number goes on with a finished run.",
    unit: "steps",
    default: null,
  }),
  max_train_epochs: option(Schema.NullOr(intFrom(1)), {
    doc: "How many times to go through all pictures. " +
      "Exactly one of max_train_steps and max_train_epochs is set.",
    unit: "epochs",
    default: null,
  }),
  early_stop: option(Schema.Boolean, {
    doc:
      `End when the fixed-input loss has settled: its variance over the last ${settledSteps} steps (and ` +
      `at least ${settledValues} values) below 0.15 of the variance of all (arXiv 2302.04841). The ` +
      "verdict is shown in any case.",
    default: false,
    keepsRun: true,
  }),
};
