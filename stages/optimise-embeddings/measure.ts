// The mean squared error of the prediction over fixed items, forward only. Items of one size are computed
// in batches; the mean is over items, so a batch's size changes nothing but the last digits.
import { Effect } from "effect";
import type { ObjectiveOptions } from "../../engine/diffusion/objective.ts";
import type { Engine } from "../../engine/engine.ts";
import type { Fault } from "../../engine/fault.ts";
import { asFault } from "../../runtime/as-fault.ts";
import type { StageTools } from "../../runtime/stage.ts";
import { batchOf, type Item } from "./batch.ts";
import type { EncoderPair } from "./training-state.ts";

const mostAtOnce = 8;

export const measure = (
  engine: Engine,
  tools: Pick<StageTools, "withResource">,
  items: readonly Item[],
  [rows1, rows2]: EncoderPair,
  objective: ObjectiveOptions,
): Effect.Effect<number, Fault> =>
  Effect.gen(function* () {
    const plain = { ...objective, minSnrGamma: null, maskNormalise: false };
    let sum = 0;
    for (const chunk of chunksOfOneSize(items)) {
      const batch = { ...batchOf(chunk, engine.model.configs.vae, plain), rows1, rows2 };
      const loss = yield* tools.withResource(
        "device",
        Effect.tryPromise({ try: () => engine.loss(batch), catch: asFault }),
      );
      sum += loss * chunk.length;
    }
    return sum / items.length;
  });

function chunksOfOneSize(items: readonly Item[]): readonly (readonly Item[])[] {
  const bySize = Map.groupBy(items, ({ view }) => view.size.join("x"));
  return [...bySize.values()].flatMap((group) =>
    Array.from(
      { length: Math.ceil(group.length / mostAtOnce) },
      (_, i) => group.slice(i * mostAtOnce, (i + 1) * mostAtOnce),
    )
  );
}
