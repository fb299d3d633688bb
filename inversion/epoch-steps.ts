// How many steps a training of so many epochs has, as far as the number of pictures tells, and what of its
// rates does not go together with that: said before anything is encoded.
// The trap: with aspect buckets a batch may hold fewer pictures, so there may be more steps than this.
import type { TrainingConfig } from "../config/training.ts";
import { learningRates, RateFault, schedules } from "../engine/optimise/rates.ts";

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

/** For people; empty where nothing is wrong. */
export function warmUpNotes(config: TrainingConfig, steps: number | null): readonly string[] {
  const { lr_warmup_steps: warmup, lr_scheduler: schedule, max_train_epochs: epochs } = config;
  if (steps === null || warmup < steps || !schedules[schedule].warmsUp) return [];
  const length = `${epochs} epochs, about ${steps} steps`;
  try {
    learningRates({
      schedule,
      learningRate: config.optimizer.learning_rate,
      warmupSteps: warmup,
      trainingSteps: steps,
      decayFraction: config.lr_decay_fraction,
    });
  } catch (cause) {
    if (!(cause instanceof RateFault)) throw cause;
    return [`${cause.key}: wanted ${cause.wanted}, found ${cause.found}. ${cause.fix}`];
  }
  return [
    `lr_warmup_steps ${warmup}: the warm-up is as long as the training (${length}), so the full ` +
    "rate is never reached.",
  ];
}
