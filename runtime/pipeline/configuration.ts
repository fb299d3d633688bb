// What the runner needs of a configuration, whatever is trained: the values that stages take their
// options from, what of them names a run, and where results go. config/ knows the rest.
// The trap: `values` is plain JSON; `seed` in it may be null until the run's manifest has one, and late
// options at their default are not in it (stages decode the default), so that old results keep their bytes.
import { Effect, FileSystem } from "effect";
import { triggerOf } from "../../config/embedding.ts";
import { identityOf, lateAtDefault, rateDependsOnLength } from "../../config/identity.ts";
import { placesIn, targetKeys } from "../../config/places.ts";
import { type ConfigLayers, readConfig } from "../../config/read.ts";
import { settleFixedLossEvery } from "../../inversion/fixed-loss-every.ts";
import type { Fault } from "../../lib/fault.ts";
import { Files } from "../../lib/files.ts";
import { withoutKeys } from "../options/mapping.ts";
import type { Places, RunInfo } from "../stage.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

export interface Configuration {
  readonly values: JsonObject;
  /** The keys that say where results go: no part of what a result says about itself. */
  readonly targetKeys: readonly string[];
  /** Where on this machine what goes in is found: a result says of each the last part. */
  readonly places: Places;
  /**
   * Keys that no result depends on: where pictures and weights are (what they are is asked of them
   * by each stage's `inputs`), how many workers there are, and late options at their default. Neither
   * fingerprints nor names a run.
   */
  readonly unhashed: readonly string[];
  /** The values that change the data or the objective. */
  readonly identity: JsonObject;
  readonly notes: readonly string[];
  /** What else is to be said once the steps have said what goes in. */
  readonly notesOnInputs?: (inputs: RunInfo["inputs"]) => readonly string[];
  /** The folder of runs. */
  readonly base: string;
  /** What result files and the run folder are named by. */
  readonly trigger: string;
  readonly seed: number | null;
  /** Null: there is nothing to compute on a device. */
  readonly device: string | null;
  readonly steps: number | null;
  /**
   * What is left open until the stages were asked for the world they need (how many pictures there are):
   * values to put in, and what to say of them. `kept` are the run's own values, where there is a run.
   */
  readonly settle?: (
    worlds: ReadonlyMap<string, unknown>,
    kept: JsonObject | null,
  ) => { readonly values: JsonObject; readonly notes: readonly string[] };
  /** Why another length makes another run; null if it does not. */
  readonly lengthMatters: string | null;
}

const datasets = ["data_loader.dataset", "fixed_loss_dataset"];
const unhashed = [
  ...["model", "vae_model", "model_config", "hf_variant", "hf_revision", "initial_embedding_file"],
  ...["threads", "data_loader.dataloader_num_workers"],
  ...datasets.flatMap((dataset) =>
    ["dataset_dir", "jsonl_path", "hf_cache_dir", "keep_in_memory"].map((key) =>
      `${dataset}.${key}`
    )
  ),
];

export type { ConfigLayers };
export type ReadConfiguration = (layers: ConfigLayers) => Effect.Effect<Configuration, Fault>;

/** Reads the configuration of a training. Fails with all findings. */
export const readTrainingConfiguration: ReadConfiguration = (layers) =>
  Effect.gen(function* () {
    const { config, notes } = yield* readConfig(layers);
    const quiet = lateAtDefault(config);
    return {
      values: withoutKeys(config, quiet) as JsonObject,
      targetKeys,
      places: yield* Effect.promise(() => placesIn(config)),
      unhashed: [...unhashed, ...quiet],
      identity: withoutKeys(identityOf(config), unhashed) as JsonObject,
      notes,
      base: config.base_output_dir,
      trigger: triggerOf(config.placeholder_token) || "embedding",
      seed: config.seed,
      device: config.provider,
      steps: config.max_train_steps,
      settle: (worlds: ReadonlyMap<string, unknown>, kept: JsonObject | null) => {
        const found = settleFixedLossEvery(config, worlds.get("ingest"), kept?.fixed_loss_every);
        return found === null
          ? { values: {}, notes: [] }
          : { values: { fixed_loss_every: found.every }, notes: [found.note] };
      },
      lengthMatters: rateDependsOnLength(config)
        ? `the rate of lr_scheduler ${config.lr_scheduler} depends on the length at every step`
        : null,
    };
  }).pipe(Effect.provideServiceEffect(FileSystem.FileSystem, Files));
