// The mean squared error of the prediction over fixed items, forward only, in the training's own batches:
// its compiled graph serves both. The mean is over items, so a batch's size changes only last digits.
// The trap: the last batch is filled up with items that count nothing.
import { Effect } from "effect";
import type { ObjectiveOptions } from "../../engine/diffusion/objective.ts";
import { tensor } from "../../engine/session/batch.ts";
import type { Engine } from "../../engine/session/engine.ts";
import type { Fault } from "../../lib/fault.ts";
import { tryPromise } from "../../lib/try-promise.ts";
import type { StageTools } from "../../runtime/stage.ts";
import { chunks } from "./batch-plan.ts";
import { batchOf, type Item } from "./batches.ts";
import { diverged } from "./diverged.ts";
import { mean } from "./loss-history.ts";
import type { EncoderPair } from "./training-state.ts";

/** The mean over all items, and the loss of each in their order. */
export interface Losses {
  readonly mean: number;
  readonly each: Float64Array;
}

/** The mean under each of so many rules, whose items stand one after the other. */
export const meansOfParts = ({ each }: Losses, parts: number): readonly number[] => {
  const size = each.length / parts;
  return Array.from({ length: parts }, (_, i) => mean(each.subarray(i * size, (i + 1) * size)));
};

/** What the engine measures at once: so many items of one size. */
export interface Measured {
  readonly items: readonly Item[];
  readonly batchSize: number;
  readonly objective: ObjectiveOptions;
}

export const measure = (
  engine: Engine,
  tools: Pick<StageTools, "withResource">,
  { items, batchSize, objective }: Measured,
  [rows1, rows2]: EncoderPair,
): Effect.Effect<Losses, Fault> =>
  Effect.gen(function* () {
    const plain = { ...objective, minSnrGamma: null, maskNormalise: false };
    let sum = 0;
    const losses = new Float64Array(items.length);
    for (const chunk of chunksOfOneSize(items, batchSize)) {
      const filled = Array.from({ length: batchSize }, (_, i) => items[chunk[i] ?? chunk[0]]);
      const { weight, ...batch } = batchOf(filled, engine.model.configs.vae, plain);
      const area = weight.data.length / batchSize;
      const counted = weight.data.map((value, i) => i < chunk.length * area ? value : 0);
      const { loss, each: found } = yield* tools.withResource(
        "device",
        tryPromise(() =>
          engine.losses({ ...batch, weight: tensor(counted, weight.dims), rows1, rows2 })
        ),
      );
      // The objective's mean is over the whole batch.
      sum += loss * batchSize;
      chunk.forEach((item, i) => losses[item] = found[i] * batchSize);
    }
    if (!Number.isFinite(sum)) {
      return yield* diverged("a finite loss of the fixed pictures");
    }
    return { mean: sum / items.length, each: losses };
  });

/** Places among `items`. */
function chunksOfOneSize(
  items: readonly Item[],
  batchSize: number,
): readonly (readonly number[])[] {
  const bySize = Map.groupBy(items.keys(), (item) => items[item].view.size.join("x"));
  return [...bySize.values()].flatMap((group) => chunks(group, batchSize));
}
