// Watches the rows against the vocabularies. The vocabularies' spreads pull the rows, so they are exact and
// there before the first step; the rest is for people, and measured when it is first asked for.
// The trap: SDXL's vocabularies are 400 MB as float32, so they are read in blocks, again each time that words
// are looked for.
import { Effect } from "effect";
import type { Engine } from "../../engine/session/engine.ts";
import type { Fault } from "../../lib/fault.ts";
import { deviationOfBlocks } from "../../engine/optimise/std-pull.ts";
import type { TokenEmbeddings } from "../../engine/text/token-embeddings.ts";
import { tokenWords } from "../../engine/text/tokenizer.ts";
import type { Model } from "../../engine/weights/model.ts";
import { tryPromise } from "../../lib/try-promise.ts";
import { type EncoderHealth, nearestWords, normRange, norms, rowHealth } from "./row-health.ts";
import { rowsOf, type TrainingState } from "./training-state.ts";

const names = ["clip_l", "clip_g"] as const;
const nearestCount = 5;

export interface RowWatch {
  /** Standard deviations of the vocabularies. */
  readonly spreads: readonly [number, number];
  /** `words`: also look for the nearest words. */
  readonly health: (
    state: TrainingState,
    words: boolean,
  ) => Effect.Effect<readonly EncoderHealth[], Fault>;
}

async function normsOf(tokens: TokenEmbeddings) {
  const lengths = new Float64Array(tokens.vocabularySize);
  for await (const { first, values } of tokens.blocks()) {
    lengths.set(norms(values, tokens.width), first);
  }
  return { lengths, range: normRange(lengths) };
}

export async function rowWatch(model: Model, engine: Engine): Promise<RowWatch> {
  const [first, second] = engine.tokens;
  const spreads = [
    await deviationOfBlocks(() => first.blocks()),
    await deviationOfBlocks(() => second.blocks()),
  ] as const;
  let measured: Promise<readonly Awaited<ReturnType<typeof normsOf>>[]> | undefined;
  const health = (state: TrainingState, words: boolean) =>
    tryPromise(async () => {
      const vocabularies = await (measured ??= Promise.all([normsOf(first), normsOf(second)]));
      const all: EncoderHealth[] = [];
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
          ...rowHealth(names[i], rows, state.initial[i], tokens.width),
          vocabularyNorms: vocabularies[i].range,
          nearest,
        });
      }
      return all;
    });
  return { spreads, health };
}
