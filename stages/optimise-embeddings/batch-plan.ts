// The course of a training as pure functions: which examples a micro-batch holds, which micro-batches an
// optimizer step sums, which steps are saved and validated. As in the reference, a partial batch is kept
// and accumulation is cut at an epoch's end, so every epoch has the same number of steps.
// The trap: a batch never mixes sizes; examples of one size form a group of their own.
import { shuffled } from "../../engine/random/draw.ts";
import { pictureOrder } from "../../inversion/picture-order.ts";

export interface BatchPlanOptions {
  readonly seed: number;
  readonly train_batch_size: number;
  readonly gradient_accumulation_steps: number;
  readonly max_train_steps: number | null;
  readonly max_train_epochs: number | null;
}

export interface BatchPlan {
  readonly totalSteps: number;
  readonly stepsPerEpoch: number;
  /** The most examples in a batch, and the most batches in a step: fewer than asked for in a small set. */
  readonly fullest: { readonly batch: number; readonly batches: number };
  /** Micro-batches of step `index` (from 0). */
  readonly step: (index: number) => readonly MicroBatch[];
  /** Epochs finished after `steps` steps. */
  readonly epochsAfter: (steps: number) => number;
}

export interface MicroBatch {
  readonly epoch: number;
  /** Counts from 0 through the whole training: the address of its random draws. */
  readonly micro: number;
  /** Indices of examples, all of one size. */
  readonly examples: readonly number[];
}

/** `sizes`: one key an example; equal keys may share a batch. */
export function planBatches(sizes: readonly string[], options: BatchPlanOptions): BatchPlan {
  const batch = options.train_batch_size;
  const accumulation = options.gradient_accumulation_steps;
  const groups = [...new Set(sizes)].map((key) =>
    sizes.flatMap((size, example) => size === key ? [example] : [])
  );
  const microPerEpoch = groups.reduce((sum, group) => sum + Math.ceil(group.length / batch), 0);
  const stepsPerEpoch = Math.ceil(microPerEpoch / accumulation);
  const totalSteps = options.max_train_steps ?? options.max_train_epochs! * stepsPerEpoch;

  const epochBatches = remembered((epoch: number) => {
    const batches = groups.flatMap((members, group) => {
      const order = pictureOrder({ seed: options.seed, epoch, group }, members.length);
      return chunks(order.map((i) => members[i]), batch);
    });
    if (groups.length === 1) return batches;
    const address = { seed: options.seed, purpose: "batch order", step: epoch, item: 0 };
    return shuffled(address, batches.length).map((i) => batches[i]);
  });

  return {
    totalSteps,
    stepsPerEpoch,
    fullest: {
      batch: Math.min(batch, Math.max(...groups.map(({ length }) => length))),
      batches: Math.min(accumulation, microPerEpoch),
    },
    step: (index) => {
      const epoch = Math.floor(index / stepsPerEpoch);
      const first = (index % stepsPerEpoch) * accumulation;
      return epochBatches(epoch).slice(first, first + accumulation).map((examples, i) => ({
        epoch,
        micro: epoch * microPerEpoch + first + i,
        examples,
      }));
    },
    epochsAfter: (steps) => Math.floor(steps / stepsPerEpoch),
  };
}

/** Lists of `size` items; the last may be shorter. */
export const chunks = <T>(items: readonly T[], size: number): T[][] =>
  Array.from(
    { length: Math.ceil(items.length / size) },
    (_, i) => items.slice(i * size, (i + 1) * size),
  );

/** Keeps the last answer: steps of one epoch come one after the other. */
function remembered<A>(make: (key: number) => A): (key: number) => A {
  let last: { key: number; value: A } | undefined;
  return (key) => {
    if (last?.key !== key) last = { key, value: make(key) };
    return last.value;
  };
}

/** Is something due after `steps` steps that comes every n steps or every n epochs? */
export function isDue(
  batchPlan: BatchPlan,
  steps: number,
  everySteps: number | null,
  everyEpochs: number | null,
): boolean {
  if (steps === 0) return false;
  if (everySteps !== null && steps % everySteps === 0) return true;
  const epochEnds = steps % batchPlan.stepsPerEpoch === 0;
  return everyEpochs !== null && epochEnds && batchPlan.epochsAfter(steps) % everyEpochs === 0;
}
