// What a training writes to disk, about: checkpoints, validation pictures, its log, and the pictures and
// latents that it puts into the store. For who chooses a machine with room for it.
// The trap: an upper estimate. What the store has already is counted, and pictures as if they hardly compressed.
import { Schema } from "effect";
import { dataLoaderFields, heightWidth } from "../config/data.ts";
import { embeddingFields } from "../config/embedding.ts";
import { fixedLossFields } from "../config/fixed-loss.ts";
import { optimizerFields } from "../config/optimizer.ts";
import { outputFields } from "../config/outputs.ts";
import { picturesOf, timeFields } from "./model/find-time.ts";
import { stepsOfEpoch } from "./epoch-steps.ts";
import { pictureCounts } from "./trained-pictures.ts";

const Options = Schema.Struct({
  ...timeFields,
  train_batch_size: optimizerFields.train_batch_size,
  num_vectors: embeddingFields.num_vectors,
  save_every_n_steps: outputFields.save_every_n_steps,
  save_every_n_epochs: outputFields.save_every_n_epochs,
  max_checkpoints: outputFields.max_checkpoints,
  fixed_loss_holdout: fixedLossFields.fixed_loss_holdout,
  data_loader: Schema.Struct({
    resolution: dataLoaderFields.resolution,
    crops_per_image: dataLoaderFields.crops_per_image,
    random_flip: dataLoaderFields.random_flip,
  }),
});

/** Of a vector in both encoders. */
const numbersOfVector = 768 + 1280;
/** A step's lines in the log and in TensorBoard's file. */
const bytesOfStep = 1024;
const bytesOfHeader = 4096;
/** Rows at the start, the best, a mean, and at most three arrays of an optimizer, as float64; written beside the old. */
const arraysOfState = 6 * 2;

/** Bytes; `steps` as far as they are known, `ingested`: what ingest says of its pictures. */
export function runBytes(
  values: Readonly<Record<string, unknown>>,
  steps: number | null,
  ingested: unknown,
): number {
  const options = Schema.decodeUnknownSync(Options)(values);
  const { num_vectors, max_checkpoints, data_loader } = options;
  const numbers = num_vectors * numbersOfVector;
  const length = steps ?? 0;
  const { trained, heldOut } = pictureCounts(options, ingested) ?? { trained: 0, heldOut: 0 };
  const epochs = options.max_train_epochs ??
    (trained === 0 ? 1 : length / stepsOfEpoch(options, trained));
  const saves = options.save_every_n_steps !== null
    ? length / options.save_every_n_steps
    : epochs / (options.save_every_n_epochs ?? 1);
  const saved = Math.min(Math.ceil(saves), max_checkpoints ?? Infinity);
  const embeddings = (saved + 2) * (numbers * 4 + bytesOfHeader);
  const state = arraysOfState * numbers * 8;
  // The rows of each step that is saved or has pictures, for those who read them as it goes.
  const log = length * bytesOfStep + saved * numbers * 4;

  const [height, width] = heightWidth(data_loader.resolution);
  const area = height * width;
  const pictures = picturesOf(options, steps, epochs) * area;
  const views = trained * data_loader.crops_per_image * (data_loader.random_flip ? 2 : 1) + heldOut;
  // RGB, and mean and log-variance of 4 channels as float32 at an eighth of each side.
  const stored = views * area * (3 + 2 * 4 * 4 / 64);
  return Math.ceil(embeddings + state + log + pictures + stored);
}
