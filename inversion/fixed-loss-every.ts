// How often the fixed-input loss is measured where the configuration leaves it open: so often that one
// measure costs at most a tenth of the steps between two. Settled while a run is planned, and then part of
// its manifest, so that it is printed, and stays whatever later versions would take.
// The trap: a measure goes through in the training's own batches, so its last one counts as a full one.
import { Schema } from "effect";
import { embeddingFields } from "../config/embedding.ts";
import { autoUnit, fixedLossFields, fixedLossItems } from "../config/fixed-loss.ts";
import { optimizerFields } from "../config/optimizer.ts";
import { pictureCounts } from "./trained-pictures.ts";

/** A forward pass, as part of the same item's training step: frozen weights have no gradients. */
const forwardShare = 0.5;
const mostCost = 0.1;

interface Step {
  /** Pictures in a batch, and batches in a step, at most. */
  readonly batch: number;
  readonly batches: number;
}

type Every = number | "auto" | null;

/** `items` are measured at once. */
export function fixedLossEvery(
  every: Every,
  { batch, batches }: Step,
  items: number,
): number | null {
  if (every !== "auto") return every;
  const measure = forwardShare * Math.ceil(items / batch) * batch;
  return autoUnit * Math.max(1, Math.ceil(measure / (mostCost * batch * batches * autoUnit)));
}

/** How many items are measured at once, each under every rule of pooling. */
export const itemsMeasured = (
  { layout, timesteps }: ReturnType<typeof fixedLossItems>,
  pictures: number,
  poolings: number,
): number => (layout === "all" ? timesteps.length * pictures : timesteps.length) * poolings;

const Options = Schema.Struct({
  fixed_loss_every: fixedLossFields.fixed_loss_every,
  fixed_loss_holdout: fixedLossFields.fixed_loss_holdout,
  fixed_loss_layout: fixedLossFields.fixed_loss_layout,
  fixed_loss_timesteps: fixedLossFields.fixed_loss_timesteps,
  pooling: embeddingFields.pooling,
  train_batch_size: optimizerFields.train_batch_size,
  gradient_accumulation_steps: optimizerFields.gradient_accumulation_steps,
});

export interface SettledEvery {
  readonly every: number;
  /** For people. */
  readonly note: string;
}

/**
 * The number that `auto` stands for: the one that the run has, else by how many pictures there are. Null
 * where nothing is open, or nobody can say yet.
 */
export function settleFixedLossEvery(
  values: Readonly<Record<string, unknown>>,
  ingested: unknown,
  kept: unknown,
): SettledEvery | null {
  const options = Schema.decodeUnknownSync(Options)(values);
  if (options.fixed_loss_every !== "auto") return null;
  if (typeof kept === "number") {
    return { every: kept, note: `fixed_loss_every auto: every ${kept} steps, as this run has it.` };
  }
  const counts = pictureCounts(options, ingested);
  if (counts === null) return null;
  const { trained, heldOut } = counts;
  const batch = Math.min(options.train_batch_size, trained);
  const batches = Math.min(options.gradient_accumulation_steps, Math.ceil(trained / batch));
  const items = itemsMeasured(
    fixedLossItems(options, heldOut > 0),
    heldOut || trained,
    options.pooling === "mixed" ? 2 : 1,
  );
  const every = fixedLossEvery("auto", { batch, batches }, items)!;
  return {
    every,
    note:
      `fixed_loss_every auto: every ${every} steps, ${items} items at once, which is at most a ` +
      "tenth of the work.",
  };
}
