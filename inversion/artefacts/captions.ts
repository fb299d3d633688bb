// What the caption stage makes: for every picture the captions it may be shown with, and whether their
// parts are shuffled. Which one it is, is drawn anew in every epoch, here and nowhere else.
// The trap: the draw is a pure function of (seed, epoch, item), so that any step can be replayed.
import { Schema } from "effect";
import { randomInt, shuffled } from "../../engine/random/draw.ts";
import { artefact } from "../../runtime/artefact.ts";

export const CaptionedExample = Schema.Struct({
  /** The example's id. */
  id: Schema.String,
  /** One of these each time; one listed twice comes twice as often. */
  captions: Schema.Array(Schema.String).check(Schema.isMinLength(1)),
});
export type CaptionedExample = typeof CaptionedExample.Type;

export const Captions = Schema.Struct({
  /** The word that stands in captions for what is learnt. */
  placeholder: Schema.String,
  /** Captions are split here and their parts shuffled; null leaves them as they are. */
  shuffle_delimiter: Schema.NullOr(Schema.String),
  /** In the order of the examples. */
  train: Schema.Array(CaptionedExample).check(Schema.isMinLength(1)),
  /** For the fixed-input loss: one caption each, never shuffled. */
  heldOut: Schema.Array(CaptionedExample),
});
export type Captions = typeof Captions.Type;

export const captions = artefact("captions", Captions);

/** When a caption is drawn: `item` is the picture's place in `train`. */
export interface CaptionUse {
  readonly seed: number;
  readonly epoch: number;
  readonly item: number;
}

/** A caption's parts, white space around them removed; without a delimiter the caption itself. */
export const captionParts = (caption: string, delimiter: string | null): readonly string[] =>
  delimiter === null ? [caption] : caption.split(delimiter).map((part) => part.trim());

/** Which of `count` captions, each equally likely. */
export const drawChoice = ({ seed, epoch, item }: CaptionUse, count: number): number =>
  randomInt({ seed, purpose: "caption", step: epoch, item }, count);

/** The order of a drawn caption's parts. */
export const drawOrder = ({ seed, epoch, item }: CaptionUse, parts: number): readonly number[] =>
  shuffled({ seed, purpose: "caption-shuffle", step: epoch, item }, parts);
