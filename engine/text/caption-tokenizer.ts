// Captions to ids for one of SDXL's two text encoders, with placeholders that each stand for several
// tokens: `gnome` is trained as the vectors of `gnome gnome_1 gnome_2`. A training has one, a picture may
// be made with several embeddings, whose rows then follow one another as their placeholders do.
// The trap: a text that spells the tokens out already is left as it is, not expanded twice.
import { PlaceholderFault } from "./tokenizer-fault.ts";
import type { TokenizerFiles } from "./tokenizer-files.ts";
import { captionLength, loadTokenizer, type Tokenizer } from "./tokenizer.ts";

export interface Placeholder {
  readonly name: string;
  readonly vectors: number;
}

/** @internal */
export interface CaptionTokenizer extends Tokenizer {
  /** The names of the placeholders' tokens, one a vector. */
  readonly placeholderTokens: readonly string[];
  /** Ids of a text without start, end and padding, placeholders expanded; at most 75. */
  readonly idsOf: (text: string) => readonly number[];
  /** How many tokens of a text do not fit into 75. */
  readonly overflowOf: (text: string) => number;
}

/** What stands around a text's ids. */
export type Frame = Pick<Tokenizer, "startId" | "endId" | "padId">;

/** Tokens of a caption beside its start and end. */
export const textLength = captionLength - 2;

/** [77]: start, at most 75 of `ids`, end, padding. */
export function framed(ids: readonly number[], { startId, endId, padId }: Frame): number[] {
  const kept = [startId, ...ids.slice(0, textLength), endId];
  return [...kept, ...Array<number>(captionLength - kept.length).fill(padId)];
}

/** `name`, `name_1`, ... as diffusers and the reference name the tokens of one placeholder. */
export const placeholderTokens = (placeholder: string, vectors: number): readonly string[] =>
  Array.from({ length: vectors }, (_, i) => i === 0 ? placeholder : `${placeholder}_${i}`);

/**
 * `vocabularySize` is the text encoder's, where the placeholders' ids begin. Throws TokenizerFault and
 * PlaceholderFault.
 */
export function captionTokenizer(
  files: TokenizerFiles,
  placeholders: readonly Placeholder[],
  vocabularySize: number,
): CaptionTokenizer {
  const names = placeholders.flatMap(({ name, vectors }) => placeholderTokens(name, vectors));
  const tokenizer = loadTokenizer(files, names, vocabularySize);
  const { encode } = tokenizer;
  /** All ids of a placeholder by its first one. */
  const expansions = new Map<number, readonly number[]>();
  let place = 0;
  for (const { name, vectors } of placeholders) {
    const ids = tokenizer.placeholderIds.slice(place, place += vectors);
    const alone = encode(name);
    if (alone.length !== 3 || alone.ids[1] !== ids[0]) throw takenApart(name);
    expansions.set(ids[0], ids);
  }
  const expanded = (text: string): number[] => {
    const { ids, length } = encode(text);
    return ids.slice(1, length - 1).flatMap((id, i, all) => {
      const expansion = expansions.get(id);
      return expansion === undefined || all[i + 1] === expansion[1] ? [id] : expansion;
    });
  };
  return {
    ...tokenizer,
    placeholderTokens: names,
    idsOf: (text) => expanded(text).slice(0, textLength),
    overflowOf: (text) => Math.max(0, expanded(text).length + encode(text).overflow - textLength),
  };
}

const takenApart = (name: string) =>
  new PlaceholderFault({
    key: "placeholder_token",
    wanted: "a placeholder that the tokenizer takes as one token",
    found: `${JSON.stringify(name)}, which it takes apart`,
    fix: "Use letters, digits and underscores.",
  });
