// The mean squared error of the prediction over fixed items, forward only, in the training's own batches:
// its compiled graph serves both. The mean is over items, so a batch's size changes only last digits.
// The trap: the last batch is filled up with items that count nothing.
import { Effect } from "effect";
import type { ObjectiveOptions } from "../../engine/diffusion/objective.ts";
import { tensor } from "../../engine/session/batch.ts";
import type { Engine } from "../../engine/session/engine.ts";
import type { Fault } from "../../lib/fault.ts";
import type { StageTools } from "../../runtime/stage.ts";
import { tryPromise } from "../../lib/try-promise.ts";
import { batchOf, type Item } from "./batch.ts";
import { chunks } from "./course.ts";
import type { EncoderPair } from "./training-state.ts";

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
): Effect.Effect<number, Fault> =>
  Effect.gen(function* () {
    const plain = { ...objective, minSnrGamma: null, maskNormalise: false };
    let sum = 0;
    for (const chunk of chunksOfOneSize(items, batchSize)) {
      const filled = Array.from({ length: batchSize }, (_, i) => chunk[i] ?? chunk[0]);
      const { weight, ...batch } = batchOf(filled, engine.model.configs.vae, plain);
      const each = weight.data.length / batchSize;
      const counted = weight.data.map((value, i) => i < chunk.length * each ? value : 0);
      const loss = yield* tools.withResource(
        "device",
        tryPromise(() =>
          engine.loss({ ...batch, weight: tensor(counted, weight.dims), rows1, rows2 })
        ),
      );
      // The objective's mean is over the whole batch.
      sum += loss * batchSize;
    }
    return sum / items.length;
  });

function chunksOfOneSize(
  items: readonly Item[],
  batchSize: number,
): readonly (readonly Item[])[] {
  const bySize = Map.groupBy(items, ({ view }) => view.size.join("x"));
  return [...bySize.values()].flatMap((group) => chunks(group, batchSize));
}
