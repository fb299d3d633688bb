// Watches the rows against the vocabularies. The vocabularies' spreads pull the rows, so they are exact and
// there before the first step; the rest is for people, and measured when it is first asked for.
// The trap: SDXL's vocabularies are 400 MB as float32, so they are read in blocks, again each time that words
// are looked for.
import type { Effect } from "effect";
import { deviationOfBlocks } from "../../engine/optimise/std-pull.ts";
import type { Engine } from "../../engine/session/engine.ts";
import type { TokenEmbeddings } from "../../engine/text/token-embeddings.ts";
import { tokenWords } from "../../engine/text/tokenizer.ts";
import type { Model } from "../../engine/weights/model.ts";
import type { Fault } from "../../lib/fault.ts";
import { tryPromise } from "../../lib/try-promise.ts";
import {
  embeddingStats,
  type EncoderStats,
  nearestWords,
  normRange,
  norms,
} from "./embedding-stats.ts";
import { rowsOf, type TrainingState } from "./training-state.ts";

const names = ["clip_l", "clip_g"] as const;
const nearestCount = 5;

export interface EmbeddingStats {
  /** Standard deviations of the vocabularies. */
  readonly spreads: readonly [number, number];
  /** `words`: also look for the nearest words. */
  readonly stats: (
    state: TrainingState,
    words: boolean,
  ) => Effect.Effect<readonly EncoderStats[], Fault>;
}

async function normsOf(tokens: TokenEmbeddings) {
  const lengths = new Float64Array(tokens.vocabularySize);
  for await (const { first, values } of tokens.blocks()) {
    lengths.set(norms(values, tokens.width), first);
  }
  return { lengths, range: normRange(lengths) };
}

export async function watchEmbeddings(model: Model, engine: Engine): Promise<EmbeddingStats> {
  const [first, second] = engine.tokens;
  const spreads = [
    await deviationOfBlocks(() => first.blocks()),
    await deviationOfBlocks(() => second.blocks()),
  ] as const;
  let measured: Promise<readonly Awaited<ReturnType<typeof normsOf>>[]> | undefined;
  const stats = (state: TrainingState, words: boolean) =>
    tryPromise(async () => {
      const vocabularies = await (measured ??= Promise.all([normsOf(first), normsOf(second)]));
      const all: EncoderStats[] = [];
      for (const [i, tokens] of engine.tokens.entries()) {
        const rows = rowsOf(state)[i];
        const nearest = words
          ? await nearestWords(rows, tokens.width, {
            blocks: tokens.blocks(),
            lengths: vocabularies[i].lengths,
            wordOf: tokenWords(model.tokenizers[i]),
          }, nearestCount)
          : [];
        all.push({
          ...embeddingStats(names[i], rows, state.initial[i], tokens.width),
          vocabularyNorms: vocabularies[i].range,
          nearest,
        });
      }
      return all;
    });
  return { spreads, stats };
}
