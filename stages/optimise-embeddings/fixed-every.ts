// How often the fixed-input loss is measured where the configuration leaves it open: so often that it
// costs at most a tenth of the training.
// The trap: a measure goes through in the training's own batches, so its last one counts as a full one.
import { autoUnit } from "../../config/fixed-loss.ts";

/** A forward pass, as part of the same item's training step: frozen weights have no gradients. */
const forwardShare = 0.5;
const mostCost = 0.1;

interface Options {
  readonly fixed_loss_every: number | "auto" | null;
}

/** `items` are measured at once; a step is at most `batches` batches of at most `batch` pictures. */
export function fixedEvery(
  { fixed_loss_every: every }: Options,
  { batch, batches }: { readonly batch: number; readonly batches: number },
  items: number,
): number | null {
  if (every !== "auto") return every;
  const measure = forwardShare * Math.ceil(items / batch) * batch;
  const step = batch * batches;
  return autoUnit * Math.max(1, Math.ceil(measure / (mostCost * step * autoUnit)));
}
