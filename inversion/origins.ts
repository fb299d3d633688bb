// What an embedding was made from, by number and digest: the model, the pictures, the pictures of the fixed
// loss, the file that it began as. Read from what the stages' `inputs` said; no names, no folders.
// The trap: a pipeline may have other stages than ours; of what says nothing in this form nothing is known.
import { Result, Schema } from "effect";
import { digestJson } from "../lib/canonical-json.ts";
import type { RunInfo } from "../runtime/stage.ts";
import { metadataKeys } from "./metadata-keys.ts";

const { Array: List, Json, NullOr, String: Text, Struct, Tuple } = Schema;

/** As ingest says it: the training pictures, then those of the fixed loss. */
const Datasets = List(Struct({ sources: List(Tuple([Text, NullOr(Text)])), digests: List(Text) }));
/** As optimise-embeddings says it. */
const Training = Struct({
  model: Struct({ weights: List(Text), configs: Json }),
  start: NullOr(Text),
});

const decodeDatasets = Schema.decodeUnknownResult(Datasets);
const decodeTraining = Schema.decodeUnknownResult(Training);

/** Metadata keys and their values: `gnomic.pictures` is a number, all others are SHA-256 in hex. */
export type Origins = Readonly<Record<string, string>>;

const ofDataset = (key: string, { sources, digests }: (typeof Datasets.Type)[number]): Origins => ({
  [key]: String(sources.length),
  [`${key}_digest`]: digestJson([digests, sources.map(([, caption]) => caption)]),
});

/** What each input is called for people, by the key of its digest. */
export const originNames: Readonly<Record<string, string>> = {
  [metadataKeys.baseModelDigest]: "model",
  [metadataKeys.picturesDigest]: "data_loader.dataset",
  [metadataKeys.fixedLossPicturesDigest]: "fixed_loss_dataset",
  [metadataKeys.initialEmbeddingDigest]: "initial_embedding_file",
};

type Inputs = RunInfo["inputs"];

/** The training pictures, then those of the fixed loss; undefined where no stage says any. */
export const datasetsIn = (inputs: Inputs): typeof Datasets.Type | undefined =>
  Object.values(inputs).map((said) => decodeDatasets(said)).find(Result.isSuccess)?.success;

/** Undefined where no stage says what it trained with. */
export const trainedModelIn = (inputs: Inputs): (typeof Training.Type)["model"] | undefined =>
  Object.values(inputs).map((said) => decodeTraining(said)).find(Result.isSuccess)?.success.model;

export const originsOf = (inputs: RunInfo["inputs"]): Origins =>
  Object.assign(
    {},
    ...Object.values(inputs).map((said): Origins => {
      const training = decodeTraining(said);
      if (Result.isSuccess(training)) {
        const { model, start } = training.success;
        return {
          [metadataKeys.baseModelDigest]: digestJson(model),
          ...(start === null ? {} : { [metadataKeys.initialEmbeddingDigest]: start }),
        };
      }
      const datasets = decodeDatasets(said);
      if (Result.isFailure(datasets)) return {};
      const [train, fixed] = datasets.success;
      return {
        ...(train === undefined ? {} : ofDataset(metadataKeys.pictures, train)),
        ...(fixed === undefined ? {} : ofDataset(metadataKeys.fixedLossPictures, fixed)),
      };
    }),
  );

/** The names of the pictures, data set by data set, as stages' messages call them. */
export const pictureNames = (inputs: RunInfo["inputs"]): readonly (readonly string[])[] =>
  Object.values(inputs).flatMap((said) => {
    const datasets = decodeDatasets(said);
    return Result.isFailure(datasets)
      ? []
      : datasets.success.map(({ sources }) => sources.map(([name]) => name));
  });

/** A data set as its pictures by name, with what is behind them: masks. */
function byPicture({ sources, digests }: (typeof Datasets.Type)[number]) {
  const names = new Set(sources.map(([name]) => name));
  // A list may name a picture twice, and one in tables has fewer files than pictures.
  if (names.size < sources.length || digests.length < sources.length) return { sources, digests };
  const pictures = sources.map(([name, caption], i) =>
    [name, caption === null ? digests[i] : { caption, digest: digests[i] }] as const
  );
  const masks = digests.slice(sources.length);
  return { pictures: Object.fromEntries(pictures), ...(masks.length === 0 ? {} : { masks }) };
}

/** What stages said, so that it can be compared picture by picture. */
export const inputsByPicture = (
  inputs: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(inputs).map(([stage, said]) => {
      const datasets = decodeDatasets(said);
      return [stage, Result.isFailure(datasets) ? said : datasets.success.map(byPicture)];
    }),
  );
