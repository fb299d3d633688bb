// How many steps a training of so many epochs has, as far as the number of pictures tells, and what of its
// rates does not go together with that: said before anything is encoded.
// The trap: with aspect buckets a batch may hold fewer pictures, so there may be more steps than this.
import { Schema } from "effect";
import { fewestToHoldOutOf } from "../config/fixed-loss.ts";
import type { TrainingConfig } from "../config/training.ts";
import { learningRates, RateFault, schedules } from "../engine/optimise/rates.ts";

/** What `ingest` says of the pictures before it runs: those of the dataset, then those held out. */
const Pictures = Schema.Array(Schema.Struct({ sources: Schema.Array(Schema.Json) }));

/** Null where the length is given in steps, or nobody can say yet. */
export function epochSteps(config: TrainingConfig, ingested: unknown): number | null {
  if (config.max_train_epochs === null || !Schema.is(Pictures)(ingested)) return null;
  if (ingested.length === 0) return null;
  const all = ingested[0].sources.length;
  const apart = config.fixed_loss_dataset === null && all >= fewestToHoldOutOf
    ? config.fixed_loss_holdout
    : 0;
  const batches = Math.ceil(Math.max(1, all - apart) / config.train_batch_size);
  return config.max_train_epochs * Math.ceil(batches / config.gradient_accumulation_steps);
}

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
