// How the rows are moved: the optimizers and the rate's courses of the engine's tables, batch and
// accumulation.
// The trap: rows and moments are float64 whatever `weight_dtype` says, since in bfloat16 small
// steps round to nothing (files hold the rows as float32); `use_8bit` is accepted and has no effect.
import { Schema } from "effect";
import type { OptimizerOption } from "../engine/optimise/optimizer-kind.ts";
import { type OptimizerName, optimizers } from "../engine/optimise/optimizer.ts";
import { scheduleNames } from "../engine/optimise/rates.ts";
import { intFrom, option, positive, tag } from "../runtime/options/option.ts";

type OptionsOf<Name extends OptimizerName> = (typeof optimizers)[Name]["options"];
type Fields<Options> = {
  readonly [Key in keyof Options]: Options[Key] extends OptimizerOption<infer S>
    ? Schema.withDecodingDefaultKey<S>
    : never;
};

/** The options of one optimizer, its name among them. */
const member = <Name extends OptimizerName>(name: Name) => {
  const fields = Object.fromEntries(
    Object.entries<OptimizerOption>(optimizers[name].options)
      .map(([key, { schema, ...about }]) => [key, option(schema, about)]),
  ) as unknown as Fields<OptionsOf<Name>>;
  return Schema.Struct({ optimizer_type: tag(name, "Which optimizer this is."), ...fields });
};
type Member = { [Name in OptimizerName]: ReturnType<typeof member<Name>> }[OptimizerName];

const names = Object.keys(optimizers) as readonly OptimizerName[];

/** The first member that fits is taken when `optimizer_type` is left out. */
export const Optimizer = Schema.Union(names.map((name) => member(name)) as readonly Member[]);
export type Optimizer = typeof Optimizer.Type;

export const optimizerFields = {
  optimizer: option(Optimizer, {
    doc: "The optimizer and its settings.",
    default: Schema.decodeSync(member("AdamW"))({}),
  }),
  lr_scheduler: option(Schema.Literals(scheduleNames), {
    doc:
      "The course of the learning rate over the training. warmup_stable_decay keeps it high and " +
      "lets it fall in a line at the end.",
    default: "constant",
  }),
  lr_decay_fraction: option(
    Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 })),
    {
      doc:
        "With lr_scheduler warmup_stable_decay: over which part of all steps, the last, the rate " +
        "falls to 0.",
      default: 0.4,
      late: true,
    },
  ),
  lr_warmup_steps: option(intFrom(0), {
    doc: "Over so many steps the rate rises from 0. `constant` has no warm-up.",
    unit: "steps",
    default: 0,
  }),
  train_batch_size: option(intFrom(1), {
    doc:
      "How many pictures go through the model at once; of a smaller data set, all that there are.",
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
  ema_decay: option(
    Schema.NullOr(
      Schema.Finite.check(Schema.isBetween({
        minimum: 0,
        maximum: 1,
        exclusiveMinimum: true,
        exclusiveMaximum: true,
      })),
    ),
    {
      doc:
        "Keep an exponential mean of the rows, E = d * E + (1 - d) * rows after each step, and save, " +
        "draw and measure it in place of the rows. 0.95 goes with a constant rate; null keeps none.",
      default: null,
      late: true,
    },
  ),
};
