// The fixed-input loss: always the same pictures, captions, noise and timesteps, so that its course
// says how the training goes, which the training loss does not. It chooses the best checkpoint.
// The trap: what is measured counts towards the run's identity, since values measured on other
// pictures do not compare; how often does not.
import { Schema } from "effect";
import { intBetween, intFrom, option } from "../runtime/options/option.ts";
import { Dataset } from "./dataset.ts";

const timestep = intBetween(0, 999);

export const fixedLossFields = {
  fixed_loss_every: option(Schema.NullOr(intFrom(1)), {
    doc: "How often the fixed-input loss is measured; null never does.",
    unit: "steps",
    default: 5,
    keepsRun: true,
  }),
  fixed_loss_dataset: option(Schema.NullOr(Dataset), {
    doc: "Pictures to measure on that are not trained on; null measures on the training pictures.",
    default: null,
  }),
  fixed_loss_word: option(Schema.NullOr(Schema.NonEmptyString), {
    doc:
      "In captions of fixed_loss_dataset without the placeholder, this word is replaced by it; " +
      "null means the initializer_token.",
    default: null,
  }),
  fixed_loss_timesteps: option(Schema.Array(timestep).check(Schema.isMinLength(1)), {
    doc:
      "The small batch that is measured: one timestep for each item; pictures are taken in turn.",
    unit: "timesteps",
    default: [125, 375, 625, 875],
  }),
  before_after_timesteps: option(Schema.Array(timestep), {
    doc: "A thorough measure once before and once after the training: every picture at each of " +
      "these timesteps. Empty: the small batch has to do.",
    unit: "timesteps",
    default: [],
    keepsRun: true,
  }),
  before_after_noises: option(intFrom(1), {
    doc: "With before_after_timesteps: how many noises for each picture and timestep.",
    default: 2,
    keepsRun: true,
  }),
};
