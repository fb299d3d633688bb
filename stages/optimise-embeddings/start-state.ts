// The state before the first step: the rows as they begin, the optimizer's moments at zero.
import type { Effect } from "effect";
import { startOptimizer } from "../../engine/optimise/optimizer.ts";
import type { Engine } from "../../engine/session/engine.ts";
import type { TokenIds } from "../../inversion/artefacts/token-ids.ts";
import { type Fault, fault } from "../../lib/fault.ts";
import { tryPromise } from "../../lib/try-promise.ts";
import { rowsOfFile, rowsOfTokens, withRest } from "./initial-rows.ts";
import type { OptimiseOptions } from "./options.ts";
import { rowsOf, type TrainingState } from "./training-state.ts";

export class OtherRows extends fault("OtherRows", "user") {}

/** Throws OtherRows where a run goes on (--resume) with other vectors, or a model of another width. */
export function checkRows(
  state: TrainingState,
  { placeholderTokens: { length: vectors } }: Pick<TokenIds, "placeholderTokens">,
  widths: readonly [number, number],
): void {
  const found = rowsOf(state).map(({ length }) => length);
  if (found.every((length, i) => length === vectors * widths[i])) return;
  const fits = found.every((length, i) => length / found[0] === widths[i] / widths[0]);
  throw new OtherRows({
    key: "num_vectors",
    wanted: `a run with ${vectors} vectors of widths ${widths.join(" and ")}`,
    found: fits ? `one with ${found[0] / widths[0]}` : `one of another model`,
    fix: "Resume with the vectors and the model that the run was started with, or start a new run.",
  });
}

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
      : await withRest(
        await rowsOfTokens(embeddings, tokens.initialIds),
        options.initializer_token === null ? "repeat" : options.initializer_rest,
        embeddings,
        [tokens.frames[0].endId, tokens.frames[1].endId],
      );
    return {
      step: 0,
      optimizer: startOptimizer(options.optimizer, initial),
      average: null,
      initial,
      fixedLosses: new Float64Array(),
      fixedSteps: new Float64Array(),
      best: null,
      before: null,
      early: false,
      events: [],
    };
  });
