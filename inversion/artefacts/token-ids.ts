// What tokenise makes: the captions as ids of both tokenizers, and the tokens whose rows the new ones
// begin as. A shuffled caption has too many orders to list, so ids are kept for each of its parts;
// words do not reach across the white space between parts, so parts put together are the whole.
// The trap: a part that something follows ends in the delimiter, which may join its last token.
import { Schema } from "effect";
import { framed } from "../../engine/text/caption-tokenizer.ts";
import { artefact } from "../../runtime/artefact.ts";
import { type CaptionUse, drawChoice, drawOrder } from "./captions.ts";

/** The same text for the first and for the second text encoder. */
const Pair = Schema.Tuple([Schema.Array(Schema.Int), Schema.Array(Schema.Int)]);
type Pair = typeof Pair.Type;

const Frame = Schema.Struct({ startId: Schema.Int, endId: Schema.Int, padId: Schema.Int });

export const CaptionPart = Schema.Struct({
  text: Schema.String,
  /** Ids without start, end and padding. */
  ids: Pair,
  /** The same with the delimiter behind it; null where nothing is ever shuffled. */
  followed: Schema.NullOr(Pair),
});
export type CaptionPart = typeof CaptionPart.Type;

const TokenisedExample = Schema.Struct({
  /** The example's id. */
  id: Schema.String,
  /** Places in `captions`. */
  captions: Schema.Array(Schema.Int).check(Schema.isMinLength(1)),
});

export const TokenIds = Schema.Struct({
  placeholder: Schema.String,
  /** What the placeholder stands for, one token a vector: `gnome gnome_1 gnome_2`. */
  placeholderTokens: Schema.Array(Schema.String).check(Schema.isMinLength(1)),
  /** Their ids, from each text encoder's vocabulary size on. */
  placeholderIds: Pair,
  /** The tokens whose rows the vectors begin as; null when they come from an embedding file. */
  initialIds: Schema.NullOr(Pair),
  /** What each tokenizer puts around a caption. */
  frames: Schema.Tuple([Frame, Frame]),
  shuffle_delimiter: Schema.NullOr(Schema.String),
  /** Each caption once, as its parts in the order written. */
  captions: Schema.Array(Schema.Array(CaptionPart).check(Schema.isMinLength(1))),
  train: Schema.Array(TokenisedExample).check(Schema.isMinLength(1)),
  heldOut: Schema.Array(TokenisedExample),
});
export type TokenIds = typeof TokenIds.Type;

export const tokenIds = artefact("token-ids", TokenIds);

export interface CaptionTokens {
  readonly text: string;
  /** [77] each. */
  readonly ids1: readonly number[];
  readonly ids2: readonly number[];
}

/** What a training picture is shown with: one of its captions, drawn as captions.ts says. */
export function tokensFor(tokens: TokenIds, use: CaptionUse): CaptionTokens {
  const { captions } = tokens.train[use.item];
  const parts = tokens.captions[captions[drawChoice(use, captions.length)]];
  return assemble(tokens, drawOrder(use, parts.length).map((part) => parts[part]));
}

/** A caption as it is written: for the fixed-input loss. */
export const tokensOf = (tokens: TokenIds, caption: number): CaptionTokens =>
  assemble(tokens, tokens.captions[caption]);

function assemble(
  { frames, shuffle_delimiter }: TokenIds,
  parts: readonly CaptionPart[],
): CaptionTokens {
  const idsOf = (encoder: 0 | 1) =>
    framed(
      parts.flatMap(({ ids, followed }, i) =>
        (i < parts.length - 1 && followed !== null ? followed : ids)[encoder]
      ),
      frames[encoder],
    );
  return {
    text: parts.map(({ text }) => text).join(`${shuffle_delimiter ?? ""} `),
    ids1: idsOf(0),
    ids2: idsOf(1),
  };
}
