// How the rows are moved: the two optimizers, the rate's course, batch and accumulation.
// The trap: rows and moments are float64 whatever `weight_dtype` says, since in bfloat16 small
// steps round to nothing (files hold the rows as float32); `use_8bit` is accepted and has no effect.
import { Schema } from "effect";
import { intFrom, notNegative, option, positive, tag } from "../runtime/options/option.ts";

const kind = "Which optimizer this is.";

const beta = Schema.Finite.check(
  Schema.isBetween({ minimum: 0, maximum: 1, exclusiveMaximum: true }),
);

export const AdamOptimizer = Schema.Struct({
  optimizer_type: tag("AdamW", kind),
  learning_rate: option(notNegative, {
    doc: "The rate after any warm-up. For these rows 1e-3 to 1e-2 is usual.",
    default: 1e-4,
  }),
  beta1: option(beta, { doc: "The decay of the mean of gradients.", default: 0.9 }),
  beta2: option(beta, { doc: "The decay of the mean of squared gradients.", default: 0.999 }),
  weight_decay: option(notNegative, {
    doc: "How strongly the rows are pulled to zero: rows times 1 - rate * weight_decay each step.",
    default: 1e-2,
  }),
  epsilon: option(positive, {
    doc: "Keeps the division by the root of squared gradients finite.",
    default: 1e-8,
  }),
  use_8bit: option(Schema.Boolean, {
    doc: "The reference's 8-bit moments. Here the moments take kilobytes, so they stay float64.",
    default: false,
    keepsRun: true,
  }),
});

export const ProdigyOptimizer = Schema.Struct({
  optimizer_type: tag("Prodigy", kind),
  learning_rate: option(notNegative, {
    doc: "A factor on the rate that Prodigy finds by itself; 1 is meant.",
    default: 1,
  }),
  weight_decay: option(notNegative, {
    doc: "How strongly the rows are pulled to zero: rows times 1 - rate * weight_decay each step.",
    default: 0,
  }),
  use_bias_correction: option(Schema.Boolean, {
    doc: "Correct the moments' early bias to zero, as Adam does.",
    default: false,
  }),
  safeguard_warmup: option(Schema.Boolean, {
    doc: "Leave the warm-up's small rates out of the estimate of the step size.",
    default: false,
  }),
});

/** The first member that fits is taken when `optimizer_type` is left out. */
export const Optimizer = Schema.Union([AdamOptimizer, ProdigyOptimizer]);
export type Optimizer = typeof Optimizer.Type;

export const optimizerFields = {
  optimizer: option(Optimizer, {
    doc: "The optimizer and its settings.",
    default: {
      optimizer_type: "AdamW",
      learning_rate: 1e-4,
      beta1: 0.9,
      beta2: 0.999,
      weight_decay: 1e-2,
      epsilon: 1e-8,
      use_8bit: false,
    },
  }),
  lr_scheduler: option(
    Schema.Literals([
      "linear",
      "cosine",
      "cosine_with_restarts",
      "polynomial",
      "constant",
      "constant_with_warmup",
    ]),
    { doc: "The course of the learning rate over the training.", default: "constant" },
  ),
  lr_warmup_steps: option(intFrom(0), {
    doc: "Over so many steps the rate rises from 0. `constant` has no warm-up.",
    unit: "steps",
    default: 0,
  }),
  train_batch_size: option(intFrom(1), {
    doc: "How many pictures go through the model at once.",
    unit: "pictures",
    default: 4,
  }),
  gradient_accumulation_steps: option(intFrom(1), {
    doc: "How many batches make one step. As in the reference, a step ends with its epoch.",
    unit: "batches",
    default: 1,
  }),
  max_grad_norm: option(Schema.NullOr(positive), {
    doc: "Longer gradients are cut to this length, over the rows of both encoders together; null " +
      "never cuts. (The reference counts every other word's gradient in as well.)",
    default: null,
  }),
  std_pull: option(Schema.Literals(["once", "micro_step", "off"]), {
    doc:
      "Pull the rows' spread towards the vocabulary's: rows *= (std(vocabulary)/std(rows))^0.1, " +
      "once a step. The reference does so after each batch, also between accumulated ones: " +
      "`micro_step` does as it.",
    default: "once",
  }),
};
