// The words of a model's vocabulary that say best what some pictures show: by the fixed-input loss with each
// in the caption. All of them on a little, the better ones on more, as in successive halving (Jamieson &
// Talwalkar 2016, arXiv 1502.07943).
// The trap: a vocabulary of 49 408 is too many to try; there the gradient of the loss at the vocabulary's
// mean says to first order which words lower it (HotFlip, Ebrahimi et al. 2018, arXiv 1712.06751).
import { Effect } from "effect";
import { loadTokenizer } from "../../engine/text/tokenizer.ts";
import type { Fault } from "../../lib/fault.ts";
import { tryPromise } from "../../lib/try-promise.ts";
import type { Listener, PictureLoss, WordRows } from "./picture-loss.ts";
import { PictureLossFault } from "./some-pictures.ts";

export interface Suggestion {
  readonly word: string;
  readonly loss: number;
}

/** So many words are tried without a look at the gradient. */
const mostTried = 512;
/** How many words go on to more timesteps. */
const rounds: readonly { readonly keep: number; readonly timesteps: readonly number[] }[] = [
  { keep: mostTried, timesteps: [500] },
  { keep: 48, timesteps: [200, 500, 800] },
  { keep: 16, timesteps: [50, 200, 350, 500, 650, 800, 950] },
];

/** What is asked of the pictures. */
type Measure = Pick<PictureLoss, "model" | "engine" | "loss" | "gradient">;

interface Word {
  readonly text: string;
  /** Its token in each vocabulary. */
  readonly ids: readonly [number, number];
}

/** Whole words of letters that both tokenizers have. */
function wordsOf({ model: { tokenizers } }: Measure): readonly Word[] {
  const [first, second] = tokenizers.map((files) => loadTokenizer(files));
  return Array.from({ length: first.vocabularySize }, (_, id) => id).flatMap((id): Word[] => {
    const text = first.wordOf(id);
    // A piece that does not end a word ends in a hyphen.
    const other = /^[a-z]{2,}$/.test(text) ? second.tokenId(text) : undefined;
    return other === undefined ? [] : [{ text, ids: [id, other] }];
  });
}

const rowsOf = (
  { engine: { tokens } }: Measure,
  { ids }: Word,
): Effect.Effect<WordRows, Fault> =>
  tryPromise(async () => [await tokens[0].row(ids[0]), await tokens[1].row(ids[1])] as const);

/** The words by how much a step from the vocabulary's mean towards them lowers the loss. */
const byGradient = (
  measure: Measure,
  words: readonly Word[],
  listener: Listener,
): Effect.Effect<readonly Word[], Fault> =>
  Effect.gen(function* () {
    const all: WordRows[] = [];
    for (const [i, word] of words.entries()) {
      all.push(yield* rowsOf(measure, word));
      if (i % 1000 === 0) yield* listener.progress(i, words.length, "words");
    }
    const mean = ([0, 1] as const).map((encoder) => {
      const sum = new Float64Array(all[0][encoder].length);
      for (const rows of all) for (let k = 0; k < sum.length; k++) sum[k] += rows[encoder][k];
      return sum.map((value) => value / all.length);
    });
    const gradients = yield* Effect.forEach([200, 500, 800], (timestep) =>
      measure.gradient([mean[0], mean[1]], 1, timestep, 0));
    const score = ([first, second]: WordRows) => {
      let sum = 0;
      for (const { grad1, grad2 } of gradients) {
        for (let k = 0; k < grad1.length; k++) {
          sum += grad1[k] * (first[k] - mean[0][k]);
        }
        for (let k = 0; k < grad2.length; k++) {
          sum += grad2[k] * (second[k] - mean[1][k]);
        }
      }
      return sum;
    };
    return words.map((word, i) => ({ word, score: score(all[i]) }))
      .toSorted((a, b) =>
        a.score - b.score
      ).map(({ word }) => word);
  });

/** The best words first. `beside` is a word to have in the table, whatever it is worth. */
export const suggestWords = (
  measure: Measure,
  beside: string | null,
  listener: Listener,
): Effect.Effect<readonly Suggestion[], Fault> =>
  Effect.gen(function* () {
    const all = wordsOf(measure);
    const own = beside === null ? undefined : all.find(({ text }) => text === beside.toLowerCase());
    if (beside !== null && own === undefined) {
      return yield* new PictureLossFault({
        key: "--beside",
        wanted: "a word that is one token of the model's vocabulary",
        found: beside,
        fix: "Leave it out, or name another.",
      });
    }
    let left = (all.length > mostTried ? yield* byGradient(measure, all, listener) : all)
      .slice(0, mostTried);
    let found: readonly (Suggestion & { readonly of: Word })[] = [];
    const total = rounds.reduce((sum, { keep }) => sum + Math.min(keep, left.length), 0);
    let done = 0;
    for (const { keep, timesteps } of rounds) {
      const tried = left.slice(0, keep);
      const all = own === undefined || tried.includes(own) ? tried : [...tried, own];
      found = (yield* Effect.forEach(all, (word) =>
        Effect.gen(function* () {
          const loss = yield* measure.loss(yield* rowsOf(measure, word), 1, timesteps);
          yield* listener.progress(Math.min(++done, total), total, "words");
          return { word: word.text, loss, of: word };
        }))).toSorted((a, b) => a.loss - b.loss);
      left = found.map(({ of }) => of);
    }
    return found.map(({ word, loss }) => ({ word, loss }));
  });
