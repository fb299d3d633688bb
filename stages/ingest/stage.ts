// ingest: from a dataset to examples, every picture with its views, ready to be encoded. Reads the
// dataset's four kinds, turns any picture into upright sRGB, and plans crops and flips.
// The trap: everything a picture says beyond its pixels (place, time, camera) ends here.
import { Effect, Result, Schema } from "effect";
import { dataLoaderFields } from "../../config/data.ts";
import type { Dataset } from "../../config/dataset.ts";
import { fixedLossFields } from "../../config/fixed-loss.ts";
import { objectiveFields } from "../../config/objective.ts";
import { examples } from "../../inversion/artefacts/examples.ts";
import { FileMissing } from "../../lib/digest-cache.ts";
import { allFaults, type Fault, NotDownloaded, reworded } from "../../lib/fault.ts";
import { tryPromise } from "../../lib/try-promise.ts";
import { defineStage } from "../../runtime/stage.ts";
import { heldOutIds, holdOutFault, holdOutWarning } from "./hold-out.ts";
import {
  type DatasetRules,
  ingestDataset,
  listed,
  soundListing,
  withoutMasks,
} from "./ingest-dataset.ts";
import { otherPictures } from "./other-pictures.ts";
import { warningsAbout } from "./remarks.ts";

export const IngestOptions = Schema.Struct({
  seed: Schema.Int,
  use_masks: objectiveFields.use_masks,
  fixed_loss_dataset: fixedLossFields.fixed_loss_dataset,
  fixed_loss_holdout: fixedLossFields.fixed_loss_holdout,
  data_loader: Schema.Struct({
    dataset: dataLoaderFields.dataset,
    aspect_ratio_buckets: dataLoaderFields.aspect_ratio_buckets,
    resolution: dataLoaderFields.resolution,
    center_crop: dataLoaderFields.center_crop,
    crops_per_image: dataLoaderFields.crops_per_image,
    random_flip: dataLoaderFields.random_flip,
    apply_exif_orientation: dataLoaderFields.apply_exif_orientation,
    crop_left_after_flip: dataLoaderFields.crop_left_after_flip,
    time_ids_target_size: dataLoaderFields.time_ids_target_size,
    skip_bad_images: dataLoaderFields.skip_bad_images,
    max_pixels: dataLoaderFields.max_pixels,
  }),
});
export type IngestOptions = typeof IngestOptions.Type;

export const ingest = defineStage({
  name: "ingest",
  version: 1,
  summary: "Reads the pictures, turns them upright, crops and resizes them",
  options: IngestOptions,
  reads: {},
  writes: { examples },
  lifetime: "cached",

  inputs: (options, tools) =>
    Effect.forEach(datasetsOf(options), (dataset) =>
      Effect.gen(function* () {
        const { sources, files, warnings } = yield* soundListing(dataset, {
          masks: options.use_masks,
          offline: tools.offline,
          progress: tools.progress,
        });
        yield* Effect.forEach(warnings, tools.warn);
        const looks = yield* Effect.forEach(files, (file) => Effect.result(tools.digestFile(file)));
        // What cannot be read is skipped where that is wanted, and counts as nothing.
        const faults = options.data_loader.skip_bad_images
          ? []
          : looks.flatMap((look) => Result.isFailure(look) ? [withoutPicture(look.failure)] : []);
        if (faults.length > 0) return yield* Effect.fail(allFaults(faults));
        const digests = looks.map((look) => Result.getOrElse(look, () => null));
        return { sources: sources.map(({ name, caption }) => [name, caption]), digests };
      })),

  describeInputs: otherPictures,

  preflight: (options) =>
    Effect.map(
      Effect.forEach(datasetsOf(options), (dataset) =>
        Effect.match(listed(dataset, { masks: options.use_masks, offline: true }), {
          onFailure: (fault) =>
            fault instanceof NotDownloaded ? [] : [fault],
          onSuccess: ({ faults, sources }): readonly Fault[] => {
            if (faults.length > 0 || dataset !== options.data_loader.dataset) return faults;
            const wrong = holdOutFault(options.fixed_loss_holdout, sources.length);
            return [
              ...(options.use_masks ? withoutMasks(sources) : []),
              ...(wrong === null ? [] : [wrong]),
            ];
          },
        })),
      (faults) =>
        faults.flat(),
    ),

  run: ({ options, tools }) =>
    Effect.gen(function* () {
      const { data_loader: loader, fixed_loss_dataset, use_masks } = options;
      const rules = {
        maxPixels: loader.max_pixels,
        upright: loader.apply_exif_orientation,
        skipBad: loader.skip_bad_images,
        views: loader,
        masks: use_masks ? "all" : "none",
      } satisfies DatasetRules;
      const all = yield* ingestDataset(loader.dataset, rules, tools);
      const holdout = options.fixed_loss_holdout;
      const ids = all.map(({ id }) => id);
      const aside = yield* tryPromise(() => heldOutIds(ids, { holdout, seed: options.seed }));
      const few = holdOutWarning(holdout, all.length);
      yield* Effect.forEach(
        [...warningsAbout(all), ...(few === null ? [] : [few])],
        (text) => tools.emit({ event: "warning", text }),
      );
      const train = all.filter(({ id }) => !aside.has(id));
      const measured: DatasetRules = {
        ...rules,
        views: { ...loader, center_crop: true, random_flip: false },
        masks: use_masks ? "any" : "none",
      };
      const quiet = { ...tools, emit: () => Effect.void };
      const heldOut = fixed_loss_dataset !== null
        ? yield* ingestDataset(fixed_loss_dataset, measured, tools)
        : aside.size > 0
        ? yield* ingestDataset(loader.dataset, { ...measured, only: aside }, quiet)
        : [];
      return { examples: { train, heldOut } };
    }),
});

export default ingest;

/** A folder lists what is not there: a link. */
const withoutPicture = (cause: Fault): Fault =>
  !(cause instanceof FileMissing) ? cause : reworded(cause, {
    wanted: "a picture",
    found: cause.found === "nothing" ? "a link to nothing" : cause.found,
    fix: "Put the picture there or remove the link, or set data_loader.skip_bad_images to go on " +
      "without it.",
  });

const datasetsOf = ({ data_loader, fixed_loss_dataset }: IngestOptions): readonly Dataset[] =>
  fixed_loss_dataset === null ? [data_loader.dataset] : [data_loader.dataset, fixed_loss_dataset];
