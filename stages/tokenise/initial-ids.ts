// What the new vectors begin as: the token of a word for all of them, the tokens of a phrase for one
// each, or, with an embedding file, no tokens at all.
// The trap: the reference takes the first token of a longer word and only logs it; such a run begins
// as something else than what was written.
import { textLength } from "../../engine/text/caption-tokenizer.ts";
import type { Tokenizer } from "../../engine/text/tokenizer.ts";
import { fault } from "../../lib/fault.ts";

export class InitializerFault extends fault("InitializerFault", "user") {}

export interface InitialOptions {
  readonly num_vectors: number;
  readonly initializer_token: string | null;
  readonly initial_phrase: string | null;
}

export interface Initial {
  readonly vectors: number;
  /** One id a vector for each tokenizer; null when neither word nor phrase is given, or the word is open. */
  readonly ids: readonly [readonly number[], readonly number[]] | null;
}

/** `tokenizers` without the placeholder. Throws an InitializerFault. */
export function initialIds(
  tokenizers: readonly [Tokenizer, Tokenizer],
  { num_vectors, initializer_token: word, initial_phrase: phrase }: InitialOptions,
): Initial {
  // Found by the training itself, when the pictures are known.
  if (word === "auto") return { vectors: num_vectors, ids: null };
  if (word !== null) {
    const idOf = (tokenizer: Tokenizer) => {
      const ids = idsOf(tokenizer, word);
      if (ids.length !== 1) throw severalTokens(tokenizer, word, ids);
      return Array<number>(num_vectors).fill(ids[0]);
    };
    return { vectors: num_vectors, ids: [idOf(tokenizers[0]), idOf(tokenizers[1])] };
  }
  if (phrase === null) return { vectors: num_vectors, ids: null };
  const [first, second] = tokenizers.map((tokenizer) => idsOf(tokenizer, phrase));
  const overflow = tokenizers[0].encode(phrase).overflow;
  if (first.length === 0 || overflow > 0 || second.length !== first.length) {
    throw new InitializerFault({
      key: "initial_phrase",
      wanted: `a phrase of 1 to ${textLength} tokens`,
      found: `${JSON.stringify(phrase)} with ${first.length + overflow}`,
      fix: "Each token becomes a vector; a few words are enough.",
    });
  }
  return { vectors: first.length, ids: [first, second] };
}

function idsOf({ encode }: Tokenizer, text: string): readonly number[] {
  const { ids, length } = encode(text);
  return ids.slice(1, length - 1);
}

function severalTokens(tokenizer: Tokenizer, word: string, ids: readonly number[]) {
  const tokens = ids.map((id) => JSON.stringify(tokenizer.wordOf(id))).join(", ");
  return new InitializerFault({
    key: "initializer_token",
    wanted: "a word that is one token of the model's vocabulary",
    found: `${JSON.stringify(word)}, which is ${ids.length === 0 ? "none" : tokens}`,
    fix: ids.length === 0 ? "Name a word." : `Set initial_phrase to ${JSON.stringify(word)} ` +
      `instead, for ${ids.length} vectors that begin as these, or choose a single token.`,
  });
}
