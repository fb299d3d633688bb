// How many steps a training of so many epochs has, as far as the number of pictures tells, and what of its
// rates does not go together with that: said before anything is encoded.
// The trap: with aspect buckets a batch may hold fewer pictures, so there may be more steps than this.
import { Schema } from "effect";
import { dataLoaderFields } from "../config/data.ts";
import { fixedLossFields } from "../config/fixed-loss.ts";
import { lengthFields } from "../config/length.ts";
import { optimizerFields } from "../config/optimizer.ts";
import type { TrainingConfig } from "../config/training.ts";
import { learningRates, RateFault, schedules } from "../engine/optimise/rates.ts";
import { pictureCounts } from "./trained-pictures.ts";

type Epochs = Pick<
  TrainingConfig,
  "max_train_epochs" | "train_batch_size" | "gradient_accumulation_steps"
>;

/** Null where the length is given in steps, or nobody can say yet. */
export function epochSteps(config: Epochs, trained: number | undefined): number | null {
  if (config.max_train_epochs === null || trained === undefined) return null;
  return config.max_train_epochs * stepsOfEpoch(config, trained);
}

export const stepsOfEpoch = (
  config: Omit<Epochs, "max_train_epochs">,
  trained: number,
): number =>
  Math.ceil(
    Math.ceil(trained / config.train_batch_size) / config.gradient_accumulation_steps,
  );

type Rates = Pick<
  TrainingConfig,
  "lr_scheduler" | "lr_warmup_steps" | "lr_decay_fraction" | "optimizer"
>;

/** Why the rates of so many steps have no course; null: they have one. */
function withoutCourse(config: Rates, steps: number): RateFault | null {
  try {
    learningRates({
      schedule: config.lr_scheduler,
      learningRate: config.optimizer.learning_rate,
      warmupSteps: config.lr_warmup_steps,
      trainingSteps: steps,
      decayFraction: config.lr_decay_fraction,
    });
    return null;
  } catch (cause) {
    if (cause instanceof RateFault) return cause;
    throw cause;
  }
}

const Counted = Schema.Struct({
  ...optimizerFields,
  max_train_epochs: lengthFields.max_train_epochs,
  fixed_loss_holdout: fixedLossFields.fixed_loss_holdout,
  data_loader: Schema.Struct({
    aspect_ratio_buckets: dataLoaderFields.aspect_ratio_buckets,
    skip_bad_images: dataLoaderFields.skip_bad_images,
  }),
});

/** What of a configuration cannot be trained with these pictures, where their steps are certain; else null. */
export function faultOfEpochs(
  values: Readonly<Record<string, unknown>>,
  ingested: unknown,
): RateFault | null {
  const config = Schema.decodeUnknownSync(Counted)(values);
  const { aspect_ratio_buckets, skip_bad_images } = config.data_loader;
  const steps = epochSteps(config, pictureCounts(config, ingested)?.trained);
  const isCertain = steps !== null && aspect_ratio_buckets === null && !skip_bad_images;
  return isCertain ? withoutCourse(config, steps) : null;
}

/** For people; empty where nothing is wrong, or it is a fault. */
export function warmUpNotes(config: TrainingConfig, steps: number | null): readonly string[] {
  const { lr_warmup_steps: warmup, lr_scheduler: schedule, max_train_epochs: epochs } = config;
  if (steps === null || warmup < steps || !schedules[schedule].warmsUp) return [];
  const length = `${epochs} epochs, about ${steps} steps`;
  const fault = withoutCourse(config, steps);
  if (fault !== null) return [fault.message];
  return [
    `lr_warmup_steps ${warmup}: the warm-up is as long as the training (${length}), so the full ` +
    "rate is never reached.",
  ];
}
