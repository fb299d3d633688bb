// The state before the first step: the rows as they begin, the optimizer's moments at zero.
import { Effect } from "effect";
import type { Engine } from "../../engine/engine.ts";
import type { Fault } from "../../engine/fault.ts";
import { startOptimizer } from "../../engine/optimise/optimizer.ts";
import type { TokenIds } from "../../runtime/artefacts/token-ids.ts";
import { rowsOfFile, rowsOfTokens } from "./initial-rows.ts";
import type { OptimiseOptions } from "./options.ts";
import type { TrainingState } from "./training-state.ts";
import { tryPromise } from "../../runtime/try-promise.ts";

export const startState = (
  options: OptimiseOptions,
  tokens: TokenIds,
  { tokens: embeddings }: Engine,
): Effect.Effect<TrainingState, Fault> =>
  tryPromise(async () => {
    const vectors = tokens.placeholderTokens.length;
    const widths = [embeddings[0].width, embeddings[1].width] as const;
    const initial = tokens.initialIds === null
      ? await rowsOfFile(options.initial_embedding_file!, widths, vectors)
      : await rowsOfTokens(embeddings, tokens.initialIds);
    return {
      step: 0,
      optimizer: startOptimizer(options.optimizer, initial),
      initial,
      fixedLosses: new Float64Array(),
      best: null,
      before: null,
      early: false,
      events: [],
    };
  });
