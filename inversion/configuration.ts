// The configuration of a training (config/), as the runner wants to know it.
import { Effect, FileSystem } from "effect";
import { triggerOf } from "../config/trigger.ts";
import {
  identityOf,
  lateAtDefault,
  rateDependsOnLength,
  unhashedKeys,
} from "../config/identity.ts";
import { lengthKeys } from "../config/length.ts";
import { placesIn, targetKeys } from "../config/places.ts";
import { readConfig } from "../config/read.ts";
import type { Fault } from "../lib/fault.ts";
import { Files } from "../lib/files.ts";
import { withoutKeys } from "../lib/without-keys.ts";
import { epochSteps, warmUpNotes } from "./epoch-steps.ts";
import { settleFixedLossEvery } from "./fixed-loss-every.ts";
import { settledPooling } from "./model/pooling.ts";
import { batchNotes, pictureCounts } from "./trained-pictures.ts";
import type { ConfigLayers, Configuration, JsonObject } from "../runtime/options/configuration.ts";

export type ReadConfiguration = (layers: ConfigLayers) => Effect.Effect<Configuration, Fault>;

/** Reads the configuration of a training. Fails with all findings. */
export const readTrainingConfiguration: ReadConfiguration = (layers) =>
  Effect.gen(function* () {
    const { config, notes } = yield* readConfig(layers);
    const quiet = lateAtDefault(config);
    const unhashed = unhashedKeys();
    return {
      values: withoutKeys(config, quiet),
      targetKeys: targetKeys(),
      places: yield* Effect.promise(() => placesIn(config)),
      unhashed: [...unhashed, ...quiet],
      identity: withoutKeys(identityOf(config), unhashed),
      notes,
      base: config.base_output_dir,
      trigger: triggerOf(config.placeholder_token) || "embedding",
      seed: config.seed,
      steps: config.max_train_steps,
      settle: (worlds: ReadonlyMap<string, unknown>, kept: JsonObject | null) => {
        const pooling = settledPooling(config.pooling, kept?.pooling);
        const settled = { ...config, pooling };
        const ingested = worlds.get("ingest");
        const found = settleFixedLossEvery(settled, ingested, kept?.fixed_loss_every);
        const trained = pictureCounts(config, ingested)?.trained;
        const notes = [
          ...batchNotes(config.train_batch_size, trained),
          ...warmUpNotes(config, epochSteps(config, trained)),
        ];
        return found === null ? { values: { pooling }, notes } : {
          values: { pooling, fixed_loss_every: found.every },
          notes: [...notes, found.note],
        };
      },
      lengthKeys,
      lengthMatters: rateDependsOnLength(config)
        ? `the rate of lr_scheduler ${config.lr_scheduler} depends on the length at every step`
        : null,
    };
  }).pipe(Effect.provideServiceEffect(FileSystem.FileSystem, Files));
