// What a stage finds wrong with its options beside the model, before any stage runs.
// The trap: a model that is not here yet, or is no good, is said by whoever loads it; not here again.
import { Effect } from "effect";
import type { Model } from "../../engine/weights/model.ts";
import type { Fault } from "../../lib/fault.ts";
import { tryPromise } from "../../lib/try-promise.ts";
import { loadModel, type ModelOptions } from "./load-model.ts";

/** What `check` throws of a model that is here. */
export const modelPreflight = (
  options: ModelOptions,
  check: (model: Model) => unknown,
): Effect.Effect<readonly Fault[]> =>
  Effect.matchEffect(loadModel(options, { offline: true, progress: () => Effect.void }), {
    onFailure: () => Effect.succeed([]),
    onSuccess: (model) =>
      Effect.match(tryPromise(() => check(model)), {
        onFailure: (fault) => [fault],
        onSuccess: () => [],
      }),
  });
