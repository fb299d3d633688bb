// What a run's fixed losses were measured on, in a few short words: the losses of two runs compare only where
// all of it is the same (observe/reading/measured-alike.js). Read from the run's manifest, as it was when the
// newest attempt began; no names, no folders.
// The trap: what is trained on may differ as it likes. Only pictures, captions, noise and timesteps that are
// measured, and the model that they are measured with, count.
import { Result, Schema } from "effect";
import { dataLoaderFields } from "../config/data.ts";
import { embeddingFields } from "../config/embedding.ts";
import { fixedLossFields, fixedLossItems } from "../config/fixed-loss.ts";
import { objectiveFields } from "../config/objective.ts";
import { digestJson } from "../lib/canonical-json.ts";
import { measuredCaption } from "../stages/caption/templates.ts";
import { datasetsIn, trainedModelIn } from "./origins.ts";
import { pictureCounts } from "./trained-pictures.ts";

/** Each in short; equal words mean the same. */
export interface MeasuredOn {
  readonly seed: string;
  readonly timesteps: string;
  readonly pictures: string;
  readonly captions: string;
  readonly size: string;
  readonly pooling: string;
  readonly model: string;
}

/** Of a manifest, which may be of any version or another program's. */
const Manifest = Schema.Struct({
  seed: Schema.Int,
  inputs: Schema.Record(Schema.String, Schema.Json),
  configuration: Schema.Struct({
    placeholder_token: embeddingFields.placeholder_token,
    initializer_token: embeddingFields.initializer_token,
    pooling: embeddingFields.pooling,
    fixed_loss_word: fixedLossFields.fixed_loss_word,
    fixed_loss_holdout: fixedLossFields.fixed_loss_holdout,
    fixed_loss_layout: fixedLossFields.fixed_loss_layout,
    fixed_loss_timesteps: fixedLossFields.fixed_loss_timesteps,
    prediction_type: objectiveFields.prediction_type,
    rescale_betas_zero_snr: objectiveFields.rescale_betas_zero_snr,
    data_loader: Schema.Struct({
      caption_preset: dataLoaderFields.caption_preset,
      caption_templates: dataLoaderFields.caption_templates,
      keep_original_captions: dataLoaderFields.keep_original_captions,
      resolution: dataLoaderFields.resolution,
      aspect_ratio_buckets: dataLoaderFields.aspect_ratio_buckets,
      center_crop: dataLoaderFields.center_crop,
      apply_exif_orientation: dataLoaderFields.apply_exif_orientation,
      time_ids_target_size: dataLoaderFields.time_ids_target_size,
    }),
  }),
});
type Configuration = (typeof Manifest.Type)["configuration"];
const decodeManifest = Schema.decodeUnknownResult(Manifest);

const Poolings = Schema.Struct({ textEncoder2: Schema.Struct({ eos_token_id: Schema.Int }) });

const short = (value: unknown): string => digestJson(value).slice(0, 8);

/** As they are whatever the placeholder is called. */
const captionsOf = (
  { data_loader, ...options }: Configuration,
  captions: readonly (string | null)[],
  apart: boolean,
): readonly string[] =>
  captions.map((own) =>
    measuredCaption(own, { ...options, ...data_loader }, apart)
      .replaceAll(options.placeholder_token, "{}")
  );

/** Null where the manifest does not say. */
export function measuredOn(manifest: unknown): MeasuredOn | null {
  const read = decodeManifest(manifest);
  if (Result.isFailure(read)) return null;
  const { seed, inputs, configuration } = read.success;
  const { data_loader, prediction_type, rescale_betas_zero_snr } = configuration;
  const datasets = datasetsIn(inputs) ?? [];
  const [train, fixed] = datasets;
  const model = trainedModelIn(inputs);
  if (train === undefined || model === undefined) return null;
  const all = train.sources.length;
  const aside = fixed === undefined ? pictureCounts(configuration, datasets)!.heldOut : 0;
  const { sources, digests } = fixed ?? train;
  const { layout, timesteps } = fixedLossItems(configuration, fixed !== undefined || aside > 0);
  const captions = captionsOf(
    configuration,
    sources.map(([, caption]) => caption),
    fixed !== undefined,
  );
  const { resolution, aspect_ratio_buckets, center_crop } = data_loader;
  const { apply_exif_orientation, time_ids_target_size } = data_loader;
  const cuts = { aspect_ratio_buckets, center_crop, apply_exif_orientation, time_ids_target_size };
  const own = Schema.is(Poolings)(model.configs) && model.configs.textEncoder2.eos_token_id === 2
    ? "argmax"
    : "end_token";
  return {
    seed: String(seed),
    timesteps: `${timesteps.join(", ")} ${layout === "all" ? "of every picture" : "in turn"}`,
    pictures: `${aside > 0 ? `${aside} of ${all}` : sources.length} (${short(digests)})`,
    captions: short(captions),
    size: `${[resolution].flat().join(" x ")} (${short(cuts)})`,
    pooling: configuration.pooling === "auto" ? own : configuration.pooling,
    model: short([model, prediction_type, rescale_betas_zero_snr]),
  };
}
