// The order in which the pictures of one size are trained on in an epoch. Who encodes them goes by it too, so
// that the first steps find theirs first.
import { shuffled } from "../engine/random/draw.ts";

export interface Epoch {
  readonly seed: number;
  /** From 0. */
  readonly epoch: number;
  /** Which of several sizes, as they come first. */
  readonly group: number;
}

/** Places of `count` pictures. */
export const pictureOrder = ({ seed, epoch, group }: Epoch, count: number): readonly number[] =>
  shuffled({ seed, purpose: "order", step: epoch, item: group }, count);
