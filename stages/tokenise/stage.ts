// tokenise: captions as the ids of both tokenizers, the placeholder as one token a vector, and the
// tokens that the vectors begin as. Reads only the model's tokenizers and the sizes of its vocabularies.
// The trap: the placeholder's ids begin at the text encoder's vocabulary size, not the tokenizer's.
import { Effect, Schema } from "effect";
import { embeddingFields } from "../../config/embedding.ts";
import { modelFields } from "../../config/model.ts";
import { type CaptionTokenizer, captionTokenizer } from "../../engine/text/caption-tokenizer.ts";
import { filesOf, type TokenizerFiles } from "../../engine/text/tokenizer-files.ts";
import { loadTokenizer } from "../../engine/text/tokenizer.ts";
import type { Model } from "../../engine/weights/model.ts";
import { captions } from "../../inversion/artefacts/captions.ts";
import { type TokenIds, tokenIds } from "../../inversion/artefacts/token-ids.ts";
import { loadModel } from "../../inversion/model/load-model.ts";
import { modelPreflight } from "../../inversion/model/model-preflight.ts";
import { tryPromise } from "../../lib/try-promise.ts";
import { defineStage } from "../../runtime/stage.ts";
import { captionWarnings, longCaptions } from "./caption-fit.ts";
import { captionTable } from "./caption-table.ts";
import { type Initial, initialIds } from "./initial-ids.ts";

export const TokeniseOptions = Schema.Struct({
  ...modelFields,
  placeholder_token: embeddingFields.placeholder_token,
  num_vectors: embeddingFields.num_vectors,
  initializer_token: embeddingFields.initializer_token,
  initial_phrase: embeddingFields.initial_phrase,
});
export type TokeniseOptions = typeof TokeniseOptions.Type;

export const tokenise = defineStage({
  name: "tokenise",
  version: 1,
  summary: "Turns captions into the ids of both tokenizers",
  options: TokeniseOptions,
  reads: { captions },
  writes: { tokens: tokenIds },
  lifetime: "cached",

  inputs: (options, tools) =>
    Effect.gen(function* () {
      const { tokenizers, configs } = yield* loadModel(options, tools);
      const digests = yield* Effect.forEach(tokenizers.flatMap(filesOf), tools.digestFile);
      const vocabularies = [configs.textEncoder.vocab_size, configs.textEncoder2.vocab_size];
      return { digests, padding: tokenizers.map(({ padToken }) => padToken), vocabularies };
    }),

  describeInputs: () => "another model's tokenizers",

  preflight: (options) => modelPreflight(options, (model) => placeholderOf(model, options)),

  run: ({ options, inputs, tools }) =>
    Effect.gen(function* () {
      const model = yield* loadModel(options, { offline: false, progress: tools.progress });
      const { initial, tokenizers } = yield* tryPromise(() => placeholderOf(model, options));
      const warn = (text: string) => tools.emit({ event: "warning", text });
      if (options.initial_phrase !== null && ![1, initial.vectors].includes(options.num_vectors)) {
        yield* warn(
          `initial_phrase has ${initial.vectors} tokens, so there are as many vectors; ` +
            `num_vectors (${options.num_vectors}) is not used.`,
        );
      }
      const tokens: TokenIds = {
        placeholder: options.placeholder_token,
        placeholderTokens: tokenizers[0].placeholderTokens,
        placeholderIds: [tokenizers[0].placeholderIds, tokenizers[1].placeholderIds],
        initialIds: initial.ids,
        frames: [frameOf(tokenizers[0]), frameOf(tokenizers[1])],
        shuffle_delimiter: inputs.captions.shuffle_delimiter,
        ...captionTable(inputs.captions, tokenizers),
      };
      const warnings = yield* tryPromise(() => captionWarnings(tokens));
      const long = longCaptions(inputs.captions, tokenizers[0]);
      yield* Effect.forEach([...warnings, ...(long === null ? [] : [long])], warn);
      return { tokens };
    }),
});

export default tokenise;

/** The placeholder in both tokenizers, and what it begins as. Throws what is wrong with either. */
function placeholderOf(
  { tokenizers: [first, second], configs }: Model,
  options: TokeniseOptions,
): { initial: Initial; tokenizers: readonly [CaptionTokenizer, CaptionTokenizer] } {
  const initial = initialIds([loadTokenizer(first), loadTokenizer(second)], options);
  const withPlaceholder = (files: TokenizerFiles, size: number) =>
    captionTokenizer(
      files,
      [{ name: options.placeholder_token, vectors: initial.vectors }],
      size,
    );
  return {
    initial,
    tokenizers: [
      withPlaceholder(first, configs.textEncoder.vocab_size),
      withPlaceholder(second, configs.textEncoder2.vocab_size),
    ],
  };
}

const frameOf = ({ startId, endId, padId }: CaptionTokenizer) => ({ startId, endId, padId });
