// The engine that stages of one run share: one device, one set of compiled graphs. It is opened by the
// first stage that wants it and closed when the last has left.
// The trap: stages take turns at the device through `tools.withResource("device", ...)`.
import { Effect, type Scope } from "effect";
import { deviceFields } from "../../config/device.ts";
import type { Provider } from "../../engine/device/providers.ts";
import type { SchedulerConfig } from "../../engine/networks/config.ts";
import type { Engine } from "../../engine/session/engine.ts";
import { prepareEngine } from "../../engine/setup/prepare-engine.ts";
import type { CardWish } from "../../engine/setup/choose-card.ts";
import { checkFinite } from "../../engine/weights/finite.ts";
import type { Model } from "../../engine/weights/model.ts";
import type { WeightTable } from "../../lib/safetensors/weight-view.ts";
import type { Fault } from "../../lib/fault.ts";
import { listener, tryPromise } from "../../lib/try-promise.ts";
import type { StageTools } from "../../runtime/stage.ts";
import type { EngineWork } from "./engine-work.ts";
import { inspectWeights } from "./inspect-weights.ts";
import { type SharedEngine, sharedEngine } from "./shared.ts";

/** The configuration's keys that decide how to compute; part of a stage's options. */
export const engineFields = {
  provider: deviceFields.provider,
  device: deviceFields.device,
  threads: deviceFields.threads,
  weight_dtype: deviceFields.weight_dtype,
};

export interface EngineChoice {
  readonly provider: "auto" | Provider;
  /** Which of several cards. */
  readonly device?: CardWish;
  readonly threads: number | null;
  readonly weight_dtype: "float32" | "float16" | "bfloat16";
  readonly work: EngineWork;
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

type EngineTools = Pick<StageTools, "emit" | "progress">;

/** Those of a command that has no run: it says what a run would note. */
export const toolsSaying = (
  say: (text: string) => void,
  progress: StageTools["progress"],
): EngineTools => ({
  progress,
  emit: (event) =>
    Effect.sync(() => {
      if (event.event === "note" || event.event === "warning") say(String(event.text));
    }),
});

/** Which tensor it is must be found only where a file is not finite throughout. */
const checkWeights = (model: Model, { progress }: EngineTools): Effect.Effect<void, Fault> =>
  Effect.gen(function* () {
    const tables = Object.values(model.weights);
    const files = tables.flatMap((table) => [...table.values()].map(({ file }) => file));
    const looked = yield* inspectWeights(files, progress);
    const suspects = tables.map((table): WeightTable =>
      new Map([...table].filter(([, { file }]) => looked.get(file)?.finite === false))
    );
    yield* tryPromise(() => checkFinite(suspects));
  });

/** What the engine says, in a step too, is told to whoever came last of those that have it. */
const opened = (
  model: Model,
  choice: EngineChoice,
  hear: (text: string) => void,
): Effect.Effect<SharedEngine, Fault, Scope.Scope> =>
  Effect.suspend(() => {
    const listeners = new Set([hear]);
    const say = (text: string) => [...listeners].at(-1)?.(text);
    return Effect.acquireRelease(
      tryPromise(() => makeEngine(model, choice, say)),
      (engine) => Effect.promise(() => engine.close()),
    ).pipe(Effect.map((engine) => ({ engine, listeners })));
  });

/**
 * Fails, before any session is made, where a weight is not finite, the device does not work, or the work
 * does not fit its memory.
 */
export const openEngine = (
  model: Model,
  choice: EngineChoice,
  tools: EngineTools,
): Effect.Effect<Engine, Fault, Scope.Scope> =>
  Effect.gen(function* () {
    yield* checkWeights(model, tools);
    const { provider, device, threads, weight_dtype, work } = choice;
    const hear = yield* listener((text) => tools.emit({ event: "note", text }));
    const { engine, listeners } = yield* sharedEngine(
      [model.path, model.notes, provider, device, threads, weight_dtype, work],
      opened(model, choice, hear),
    );
    yield* Effect.acquireRelease(
      Effect.sync(() => listeners.add(hear)),
      () => Effect.sync(() => listeners.delete(hear)),
    );
    return engine;
  });

/** What a GPU computes in, given what weights should be. */
export const computeOf = (weightDtype: EngineChoice["weight_dtype"]): "float16" | "float32" =>
  weightDtype === "float32" ? "float32" : "float16";

const makeEngine = (
  model: Model,
  { provider, device = null, threads, weight_dtype, work }: EngineChoice,
  say: (text: string) => void,
): Promise<Engine> =>
  prepareEngine({
    model,
    provider,
    device,
    threads,
    compute: computeOf(weight_dtype),
    ...work,
    say,
  });
