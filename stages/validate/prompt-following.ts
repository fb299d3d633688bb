// How well prompts are followed (F): the embedding's picture against the word's, drawn from the same noise,
// in latent space, outside the centre third, where the thing itself stands. What differs there was learned
// from the training's backgrounds. Zero is the word's own picture; less is better.
// The trap: the loss on held-out pictures does not see this, and a single noise says little.
import { Effect } from "effect";
import { type PoolingName, poolingNames } from "../../inversion/model/pooling.ts";
import type { Fault } from "../../lib/fault.ts";

/** With {} for the word. Fixed, so that values of one model compare. */
export const followingPrompts = [
  "a photo of {} at the beach",
  "a photo of {} in the forest",
  "a photo of {} in the city at night",
  "a photo of {} in the kitchen",
  "a photo of {} in a library",
  "a photo of {} in the desert",
] as const;

export const followingNoises = 4;

/** All that are drawn: the word's, and the placeholder's under each rule. */
export const followingPictures = followingPrompts.length * followingNoises *
  (1 + poolingNames.length);

export interface Following {
  readonly pooling: PoolingName;
  /** Over all prompts and noises, with its standard error. */
  readonly mean: number;
  readonly error: number;
}

/** Latents [1, C, h, w]. */
interface Latents {
  readonly data: ArrayLike<number>;
  readonly dims: readonly number[];
}

/** The mean squared difference outside the centre third of both sides. */
export function outsideDifference(one: Latents, other: Latents): number {
  const [height, width] = one.dims.slice(-2);
  const isCentre = (at: number, size: number) => at >= size / 3 && at < (2 * size) / 3;
  let sum = 0;
  let count = 0;
  for (let i = 0; i < one.data.length; i++) {
    const [y, x] = [Math.floor(i / width) % height, i % width];
    if (isCentre(y, height) && isCentre(x, width)) continue;
    const difference = one.data[i] - other.data[i];
    sum += difference * difference;
    count++;
  }
  return sum / count;
}

/** `draw` gives the latents of a text from noise `image`, by a rule of pooling. */
export const measureFollowing = <R>(
  { word, placeholder, poolings }: {
    readonly word: string;
    readonly placeholder: string;
    readonly poolings: readonly PoolingName[];
  },
  draw: (
    drawing: { readonly text: string; readonly image: number; readonly pooling: PoolingName },
  ) => Effect.Effect<Latents, Fault, R>,
): Effect.Effect<readonly Following[], Fault, R> =>
  Effect.gen(function* () {
    const values = new Map(poolings.map((pooling) => [pooling, [] as number[]]));
    for (const prompt of followingPrompts) {
      for (let image = 0; image < followingNoises; image++) {
        // Without a placeholder both rules take the end token.
        const text = prompt.replace("{}", word);
        const own = yield* draw({ text, image, pooling: poolings[0] });
        for (const pooling of poolings) {
          const placed = { text: prompt.replace("{}", placeholder), image, pooling };
          values.get(pooling)!.push(outsideDifference(own, yield* draw(placed)));
        }
      }
    }
    return [...values].map(([pooling, each]) => ({ pooling, ...meanOf(each) }));
  });

function meanOf(values: readonly number[]) {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) * (value - mean), 0);
  return { mean, error: Math.sqrt(squares / (values.length - 1) / values.length) };
}
