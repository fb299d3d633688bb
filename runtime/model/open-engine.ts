// The engine that stages of one run share: one device, one set of compiled graphs. It is opened by the
// first stage that wants it and closed when the last has left.
// The trap: stages take turns at the device through `tools.withResource("device", ...)`.
import { availableParallelism } from "node:os";
import { Effect, type Scope } from "effect";
import { deviceFields } from "../../config/device.ts";
import { embeddingFields } from "../../config/embedding.ts";
import { Device } from "../../engine/device/device.ts";
import { Engine } from "../../engine/engine.ts";
import type { Fault } from "../../engine/fault.ts";
import type { MemoryPlan } from "../../engine/memory/memory-plan.ts";
import type { SchedulerConfig } from "../../engine/networks/config.ts";
import type { PoolingRule } from "../../engine/text/pooling.ts";
import { loadTokenizer } from "../../engine/text/tokenizer.ts";
import { checkFinite } from "../../engine/weights/finite.ts";
import type { Model } from "../../engine/weights/model.ts";
import { asFault } from "../as-fault.ts";
import type { StageTools } from "../stage.ts";

/** The configuration's keys that decide how to compute; part of a stage's options. */
export const engineFields = {
  provider: deviceFields.provider,
  threads: deviceFields.threads,
  weight_dtype: deviceFields.weight_dtype,
  memory_plan: deviceFields.memory_plan,
  gradient_checkpointing: deviceFields.gradient_checkpointing,
  pooling: embeddingFields.pooling,
};

export interface EngineChoice {
  readonly provider: "auto" | "cpu" | "webgpu" | "cuda" | "dml" | "coreml";
  readonly threads: number | null;
  readonly weight_dtype: "float32" | "float16" | "bfloat16";
  readonly memory_plan: "auto" | MemoryPlan;
  readonly gradient_checkpointing: boolean;
  /** How captions are pooled, already resolved; null: as the model's config says. */
  readonly pooling: PoolingRule | null;
}

/** The configuration's `pooling` as a rule; null: as the model's config says. */
export function resolvePooling(
  pooling: "auto" | "argmax" | "end_token",
  model: Model,
): PoolingRule | null {
  if (pooling === "auto") return null;
  if (pooling === "argmax") return { kind: "argmax" };
  return { kind: "first", id: loadTokenizer(model.tokenizers[1]).endId };
}

/** The model's scheduler with what the configuration says over it. */
export const schedulerOf = (
  model: Model,
  { prediction_type, rescale_betas_zero_snr }: {
    readonly prediction_type: "epsilon" | "v_prediction" | null;
    readonly rescale_betas_zero_snr: boolean | null;
  },
): SchedulerConfig => ({
  ...model.configs.scheduler,
  ...(prediction_type === null ? {} : { prediction_type }),
  ...(rescale_betas_zero_snr === null ? {} : { rescale_betas_zero_snr }),
});

interface Shared {
  readonly engine: Engine;
  users: number;
}

const shared = new Map<string, Shared>();

/** Models whose weights were read through once for NaN and infinities. */
const finite = new WeakMap<Model, Promise<void>>();

const checkedOnce = (model: Model): Effect.Effect<void, Fault> =>
  Effect.tryPromise({
    try: () => {
      const check = finite.get(model) ?? checkFinite(Object.values(model.weights));
      finite.set(model, check);
      return check;
    },
    catch: asFault,
  });

/** Fails, before any session is made, where a weight is not finite. */
export const openEngine = (
  model: Model,
  choice: EngineChoice,
  { emit }: Pick<StageTools, "emit">,
): Effect.Effect<Engine, Fault, Scope.Scope> =>
  Effect.gen(function* () {
    yield* checkedOnce(model);
    const { held } = yield* Effect.acquireRelease(
      Effect.sync(() => {
        const key = JSON.stringify([model.path, model.notes, ...deciding(choice)]);
        const held = shared.get(key) ?? { engine: makeEngine(model, choice, emit), users: 0 };
        held.users++;
        shared.set(key, held);
        return { key, held };
      }),
      ({ key, held }) =>
        Effect.promise(async () => {
          held.users--;
          if (held.users > 0) return;
          shared.delete(key);
          await held.engine.close();
        }),
    );
    return held.engine;
  });

/** What makes engines different; a stage's options hold much besides. */
const deciding = (choice: EngineChoice) => [
  choice.provider,
  choice.threads,
  choice.weight_dtype,
  choice.memory_plan,
  choice.gradient_checkpointing,
  choice.pooling,
];

function makeEngine(model: Model, choice: EngineChoice, emit: StageTools["emit"]): Engine {
  const provider = choice.provider === "auto" ? "cpu" : choice.provider;
  const threads = choice.threads ?? availableParallelism();
  const device = new Device({ provider, threads, mapWeights: true });
  const compute = provider === "cpu" || choice.weight_dtype === "float32" ? "float32" : "float16";
  const plan = choice.memory_plan !== "auto"
    ? choice.memory_plan
    : choice.gradient_checkpointing
    ? "B"
    : "A";
  const pooling = choice.pooling === null ? {} : { pooling: choice.pooling };
  const say = (text: string) => void Effect.runFork(emit({ event: "note", text }));
  return new Engine({ model, device, compute, plan, say, ...pooling });
}
