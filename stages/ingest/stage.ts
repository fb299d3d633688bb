// ingest: from a dataset to examples, every picture with its views, ready to be encoded. Reads the
// dataset's four kinds, turns any picture into upright sRGB, and plans crops and flips.
// The trap: everything a picture says beyond its pixels (place, time, camera) ends here.
import { Effect, Schema } from "effect";
import { dataLoaderFields } from "../../config/data.ts";
import type { Dataset } from "../../config/dataset.ts";
import { fixedLossFields } from "../../config/fixed-loss.ts";
import { objectiveFields } from "../../config/objective.ts";
import { examples } from "../../inversion/artefacts/examples.ts";
import { type Fault, NotDownloaded } from "../../lib/fault.ts";
import { defineStage } from "../../runtime/stage.ts";
import {
  type DatasetRules,
  ingestDataset,
  listed,
  soundListing,
  withoutMasks,
} from "./ingest-dataset.ts";
import { bucketsNote, warningsAbout } from "./remarks.ts";

export const IngestOptions = Schema.Struct({
  seed: Schema.Int,
  use_masks: objectiveFields.use_masks,
  fixed_loss_dataset: fixedLossFields.fixed_loss_dataset,
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
        const { sources, files } = yield* soundListing(dataset, {
          masks: options.use_masks,
          offline: tools.offline,
          progress: tools.progress,
        });
        const digests = yield* Effect.forEach(files, tools.digestFile);
        return { sources: sources.map(({ name, caption }) => [name, caption]), digests };
      })),

  preflight: (options) =>
    Effect.map(
      Effect.forEach(datasetsOf(options), (dataset) =>
        Effect.match(listed(dataset, { masks: options.use_masks, offline: true }), {
          onFailure: (fault) =>
            fault instanceof NotDownloaded ? [] : [fault],
          onSuccess: ({ faults, sources }): readonly Fault[] =>
            faults.length === 0 && options.use_masks && dataset === options.data_loader.dataset
              ? withoutMasks(sources)
              : faults,
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
      const train = yield* ingestDataset(loader.dataset, rules, tools);
      yield* Effect.forEach(
        warningsAbout(train),
        (text) => tools.emit({ event: "warning", text }),
      );
      if (loader.aspect_ratio_buckets !== null) {
        yield* tools.emit({ event: "note", text: bucketsNote(train) });
      }
      const heldOut = fixed_loss_dataset === null ? [] : yield* ingestDataset(fixed_loss_dataset, {
        ...rules,
        views: { ...loader, center_crop: true, random_flip: false },
        masks: use_masks ? "any" : "none",
      }, tools);
      return { examples: { train, heldOut } };
    }),
});

export default ingest;

const datasetsOf = ({ data_loader, fixed_loss_dataset }: IngestOptions): readonly Dataset[] =>
  fixed_loss_dataset === null ? [data_loader.dataset] : [data_loader.dataset, fixed_loss_dataset];
