// The model and the engine that a training and the pictures of its validations share: opened by whichever
// stage comes first, for the sizes that are trained.
import { Effect, type Scope } from "effect";
import type { Engine } from "../../engine/session/engine.ts";
import type { Model } from "../../engine/weights/model.ts";
import type { Fault } from "../../lib/fault.ts";
import type { StageTools } from "../../runtime/stage.ts";
import { trainingWork, type WorkOptions } from "./engine-work.ts";
import { loadModel, type ModelOptions } from "./load-model.ts";
import { type EngineChoice, openEngine } from "./open-engine.ts";

type TrainingOptions =
  & ModelOptions
  & WorkOptions
  & Pick<EngineChoice, "provider" | "device" | "threads" | "weight_dtype">;

/** Throws as `loadModel` and `openEngine` do. */
export const trainingEngine = (
  options: TrainingOptions,
  tools: Pick<StageTools, "progress" | "emit">,
): Effect.Effect<{ readonly model: Model; readonly engine: Engine }, Fault, Scope.Scope> =>
  Effect.gen(function* () {
    const model = yield* loadModel(options, { offline: false, progress: tools.progress });
    const engine = yield* openEngine(model, {
      ...options,
      work: trainingWork(model.configs.vae, options),
    }, tools);
    return { model, engine };
  });
