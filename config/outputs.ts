// Where results go, how often rows are saved and how many files are kept.
// The trap: the last step is always saved, which the reference forgets when its number is not a
// multiple of save_every_n_steps.
import { Schema } from "effect";
import { intFrom, option, required } from "../runtime/options/option.ts";

const one = "Exactly one of save_every_n_steps and save_every_n_epochs is set.";

export const outputFields = {
  base_output_dir: required(Schema.NonEmptyString, {
    doc: "The folder that holds a folder for each run; `--output` goes over it.",
    keepsRun: true,
    place: "target",
  }),
  report_to: option(Schema.Literals(["all", "tensorboard", "wandb", "comet_ml"]), {
    doc: "Where the reference reports to. Here TensorBoard files are always written, beside the " +
      "page and the report, and nothing is sent anywhere.",
    default: "tensorboard",
    keepsRun: true,
  }),
  save_every_n_steps: option(Schema.NullOr(intFrom(1)), {
    doc: `How often a checkpoint is written; the last step always is. ${one}`,
    unit: "steps",
    default: null,
    keepsRun: true,
  }),
  save_every_n_epochs: option(Schema.NullOr(intFrom(1)), {
    doc: `How often a checkpoint is written; the last step always is. ${one}`,
    unit: "epochs",
    default: null,
    keepsRun: true,
  }),
  max_checkpoints: option(Schema.NullOr(intFrom(1)), {
    doc: "How many checkpoints to keep, the newest; null keeps all. The best one is kept too.",
    unit: "files",
    default: null,
    keepsRun: true,
  }),
};
