// Watches the rows against the vocabularies. The vocabularies' spreads pull the rows, so they are exact;
// the rest is for people. The trap: SDXL's vocabularies are 400 MB as float32, so they are read when words
// are looked for and let go again.
import { Effect } from "effect";
import type { Engine } from "../../engine/engine.ts";
import type { Fault } from "../../engine/fault.ts";
import { standardDeviation } from "../../engine/optimise/std-pull.ts";
import { loadTokenizer } from "../../engine/text/tokenizer.ts";
import type { Model } from "../../engine/weights/model.ts";
import { asFault } from "../../runtime/as-fault.ts";
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

export async function rowWatch(model: Model, engine: Engine): Promise<RowWatch> {
  const known = await Promise.all(engine.tokens.map(async (tokens) => {
    const embeddings = await tokens.all();
    const lengths = norms(embeddings, tokens.width);
    return { spread: standardDeviation(embeddings), lengths, range: normRange(lengths) };
  }));
  const health = (state: TrainingState, words: boolean) =>
    Effect.tryPromise({
      try: async () => {
        const all: EncoderHealth[] = [];
        for (const [i, tokens] of engine.tokens.entries()) {
          const rows = rowsOf(state)[i];
          const nearest = words
            ? nearestWords(rows, tokens.width, {
              embeddings: await tokens.all(),
              lengths: known[i].lengths,
              words: loadTokenizer(model.tokenizers[i]).words,
            }, nearestCount)
            : [];
          all.push({
            ...rowHealth(names[i], rows, state.initial[i], tokens.width),
            vocabularyNorms: known[i].range,
            nearest,
          });
        }
        return all;
      },
      catch: asFault,
    });
  return { spreads: [known[0].spread, known[1].spread], health };
}
