// Which memory plan a training takes and what each would take, worked out before anything is computed:
// from shapes alone, so also for weights that are not here yet.
// The trap: another plan may give other last bits, so a run's plan is found once and kept in its manifest.
import { Effect, Schema } from "effect";
import { modelFields } from "../../config/model.ts";
import { objectiveFields } from "../../config/objective.ts";
import type { Provider } from "../../engine/device/providers.ts";
import type { MemoryPlan } from "../../engine/memory/memory-plan.ts";
import type { MemoryRow } from "../../engine/memory/memory-rows.ts";
import { networksOf } from "../../engine/memory/networks-of.ts";
import type { Networks } from "../../engine/networks/graphs.ts";
import { vaeFactor } from "../../engine/networks/autoencoder.ts";
import { bundledConfigs } from "../../engine/weights/folder-configs.ts";
import { type Fault, NotDownloaded } from "../../lib/fault.ts";
import { tryPromise } from "../../lib/try-promise.ts";
import type { JsonObject } from "../../runtime/options/configuration.ts";
import { epochSteps } from "../epoch-steps.ts";
import { adviseTraining } from "./advise-training.ts";
import { trainingWork, wishedPlans, workFields } from "./engine-work.ts";
import { timeFields, timeNotes, type TimeTable } from "./find-time.ts";
import { loadModel } from "./load-model.ts";
import { modelNote } from "./model-note.ts";
import { computeOf, engineFields } from "./open-engine.ts";

const { prediction_type, rescale_betas_zero_snr } = objectiveFields;
const Options = Schema.Struct({
  ...modelFields,
  ...engineFields,
  ...workFields,
  ...timeFields,
  prediction_type,
  rescale_betas_zero_snr,
});

export interface FoundMemory {
  readonly plan: MemoryPlan;
  /** Undefined: nothing stands against it. */
  readonly refusal: Fault | undefined;
  readonly rows: readonly MemoryRow[];
  readonly encodeBeside: number | undefined;
  /** Bytes that it has free; null: nobody can say. */
  readonly available: number | null;
  /** Null: it is short, or nobody can say. */
  readonly time: TimeTable | null;
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
  /** A dry run: look at every plan, for a table, also for a device that is not here. */
  readonly all: boolean;
  /** GiB of a card that is planned for (`--device-memory`); null: of what is here. */
  readonly cardMemory: number | null;
  /** Pictures to train on; undefined: nobody can say yet. */
  readonly trained: number | undefined;
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
  { values, device, kept, all, cardMemory, trained }: MemoryWish,
): Effect.Effect<FoundMemory, Fault> =>
  Effect.gen(function* () {
    const options = yield* Effect.orDie(Schema.decodeUnknownEffect(Options)(values));
    const wished = wishedPlans(options);
    const known = kept !== null && wished.includes(kept) ? kept : null;
    if (!all && known !== null) {
      const nothing = {
        refusal: undefined,
        encodeBeside: undefined,
        rows: [],
        available: null,
        time: null,
        notes: [],
      };
      return { ...nothing, plan: known, factor: 1 };
    }
    const { networks, model } = yield* networksFor(options);
    const { vae } = networks.configs;
    const plans = known === null ? wished : [known];
    const { memory, available, time } = yield* tryPromise(() =>
      adviseTraining({ networks, ...trainingWork(vae, options), plans }, {
        device: {
          provider: device as Provider,
          device: options.device,
          threads: options.threads,
          compute: computeOf(options.weight_dtype),
        },
        options,
        steps: epochSteps(options, trained),
        dry: all,
        cardMemory,
      })
    );
    const said = model === null ? [`${memory.note}; SDXL base's shapes assumed`] : [
      model,
      memory.note,
    ];
    return {
      ...memory,
      available: available?.bytes ?? null,
      time,
      factor: vaeFactor(vae),
      notes: [...said, ...(all || time === null ? [] : timeNotes(time))],
    };
  });
