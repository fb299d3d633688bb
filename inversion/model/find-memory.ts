// Which memory plan a training takes and what each would take, worked out before anything is computed:
// from shapes alone, so also for weights that are not here yet.
// The trap: another plan may give other last bits, so a run's plan is found once and kept in its manifest.
import { Effect, Schema } from "effect";
import { modelFields } from "../../config/model.ts";
import { objectiveFields } from "../../config/objective.ts";
import type { Provider } from "../../engine/device/messages.ts";
import type { MemoryPlan } from "../../engine/memory/memory-plan.ts";
import type { MemoryRow } from "../../engine/memory/memory-rows.ts";
import { type Networks, networksOf } from "../../engine/memory/networks-of.ts";
import { vaeFactor } from "../../engine/networks/autoencoder.ts";
import { adviseWork } from "../../engine/setup/prepare-engine.ts";
import { bundledConfigs } from "../../engine/weights/folder-configs.ts";
import { type Fault, NotDownloaded } from "../../lib/fault.ts";
import { tryPromise } from "../../lib/try-promise.ts";
import type { JsonObject } from "../../runtime/pipeline/configuration.ts";
import { trainingWork, wishedPlans, workFields } from "./engine-work.ts";
import { loadModel } from "./load-model.ts";
import { modelNote } from "./model-note.ts";
import { computeOf, engineFields } from "./open-engine.ts";

const { prediction_type, rescale_betas_zero_snr } = objectiveFields;
const Options = Schema.Struct({
  ...modelFields,
  ...engineFields,
  ...workFields,
  prediction_type,
  rescale_betas_zero_snr,
});

export interface FoundMemory {
  readonly plan: MemoryPlan;
  /** Undefined: nothing stands against it. */
  readonly refusal: Fault | undefined;
  readonly rows: readonly MemoryRow[];
  /** Pixels on each side of a latent. */
  readonly factor: number;
  /** What was recognised of the model, and what the plan takes; empty: the run has it already. */
  readonly notes: readonly string[];
}

export interface MemoryWish {
  readonly values: JsonObject;
  readonly device: string;
  /** The plan that the run has; null: none yet. */
  readonly kept: MemoryPlan | null;
  /** Look at every plan, for a table. */
  readonly all: boolean;
}

/** The networks, or SDXL base's in their place while nothing is here of them. */
const networksFor = (options: typeof Options.Type): Effect.Effect<
  { readonly networks: Networks; readonly model: string | null },
  Fault
> =>
  loadModel(options, { offline: true, progress: () => Effect.void }).pipe(
    Effect.map((model) => ({ networks: model, model: modelNote(model, options) })),
    Effect.catch((fault) =>
      fault instanceof NotDownloaded
        ? Effect.promise(async () => {
          const { configs } = await bundledConfigs();
          return { networks: networksOf(configs, "float16"), model: null };
        })
        : Effect.fail(fault)
    ),
  );

/** Which plan, and unless the run has it already what it takes and whether that is there. */
export const findMemory = (
  { values, device, kept, all }: MemoryWish,
): Effect.Effect<FoundMemory, Fault> =>
  Effect.gen(function* () {
    const options = yield* Effect.orDie(Schema.decodeUnknownEffect(Options)(values));
    const wished = wishedPlans(options);
    const known = kept !== null && wished.includes(kept) ? kept : null;
    if (!all && known !== null) {
      return { plan: known, refusal: undefined, rows: [], factor: 1, notes: [] };
    }
    const { networks, model } = yield* networksFor(options);
    const { vae } = networks.configs;
    const advice = yield* tryPromise(async () => {
      const plans = known === null ? wished : [known];
      const { memory } = await adviseWork({ networks, ...trainingWork(vae, options), plans }, {
        provider: device as Provider,
        threads: options.threads,
        compute: computeOf(options.weight_dtype),
      }, all);
      return memory;
    });
    return {
      ...advice,
      factor: vaeFactor(vae),
      notes: model === null ? [`${advice.note}; SDXL base's shapes assumed`] : [model, advice.note],
    };
  });
