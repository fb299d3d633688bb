// The items of the fixed-input loss: always the same pictures, captions, noises and timesteps, with the
// posterior's mean, so that its values compare to the last digit.
// The trap: it is a plain mean of squares; min-SNR and masks belong to the training's objective.
import { Effect } from "effect";
import type { fixedLossItems } from "../../config/fixed-loss.ts";
import { normals } from "../../engine/random/draw.ts";
import type { PoolingRule } from "../../engine/text/pooling.ts";
import type { LatentExample, Latents, LatentView } from "../../inversion/artefacts/latents.ts";
import {
  type CaptionTokens,
  type TokenIds,
  tokensOf,
} from "../../inversion/artefacts/token-ids.ts";
import type { Fault } from "../../lib/fault.ts";
import type { Item } from "./batches.ts";
import type { ReadView } from "./latent-reader.ts";

export interface FixedInputs {
  readonly seed: number;
  readonly latents: Latents;
  readonly tokens: TokenIds;
  /** Each item is measured under each of them: all items under the first, then under the next. */
  readonly poolings: readonly PoolingRule[];
  readonly read: (view: LatentView) => Effect.Effect<ReadView, Fault>;
}

interface Picture {
  readonly example: LatentExample;
  readonly caption: number;
}

/** The held-out pictures; without any, the training pictures. */
function pictures({ latents, tokens }: FixedInputs): readonly Picture[] {
  const held = latents.heldOut.length > 0;
  const [examples, captions] = held
    ? [latents.heldOut, tokens.heldOut]
    : [latents.train, tokens.train];
  return examples.map((example, i) => ({ example, caption: captions[i].captions[0] }));
}

const itemOf = (inputs: FixedInputs, picture: Picture, timestep: number, item: number) =>
  Effect.gen(function* () {
    const view = picture.example.views[0];
    const { mean } = yield* inputs.read(view);
    const address = { seed: inputs.seed, purpose: "fixed loss", step: timestep, item };
    return {
      view,
      latents: mean,
      noise: normals(address, mean.length),
      timestep,
      tokens: tokensOf(inputs.tokens, picture.caption),
      mask: null,
    } satisfies Omit<Item, "pooling">;
  });

const underEach = (
  { poolings }: FixedInputs,
  items: Effect.Effect<readonly Omit<Item, "pooling">[], Fault>,
): Effect.Effect<readonly Item[], Fault> =>
  Effect.map(
    items,
    (each) => poolings.flatMap((pooling) => each.map((item) => ({ ...item, pooling }))),
  );

/** What is measured often: every picture at every timestep, or one item a timestep, pictures in turn. */
export const fixedItems = (
  inputs: FixedInputs,
  { layout, timesteps }: ReturnType<typeof fixedLossItems>,
): Effect.Effect<readonly Item[], Fault> => {
  if (layout === "all") return beforeAfterItems(inputs, timesteps, 1);
  const all = pictures(inputs);
  return underEach(
    inputs,
    Effect.forEach(timesteps, (t, i) => itemOf(inputs, all[i % all.length], t, i)),
  );
};

/** The same items with the word once in the place of the vectors that begin as it. */
export const itemsOfWord = (items: readonly Item[], tokens: TokenIds): readonly Item[] | null => {
  const { initialIds } = tokens;
  const [first, ...others] = initialIds === null ? [] : initialIds[0].keys();
  const isWord = first !== undefined && others.length > 0 &&
    initialIds!.every((ids) => ids.every((id) => id === ids[0]));
  if (!isWord) return null;
  const once = onceFor(tokens, [initialIds![0][0], initialIds![1][0]]);
  return items.map((item) => ({ ...item, tokens: once(item.tokens) }));
};

/** A caption with one token (of each vocabulary) in the place of the placeholder's several. */
export const onceFor = (
  { placeholderIds, frames }: TokenIds,
  instead: readonly [number, number],
) =>
(tokens: CaptionTokens): CaptionTokens => {
  const once = (ids: readonly number[], encoder: 0 | 1): readonly number[] => {
    const mine = placeholderIds[encoder];
    const kept = ids.flatMap((id) =>
      id === mine[0] ? [instead[encoder]] : mine.includes(id) ? [] : [id]
    );
    return [...kept, ...Array(ids.length - kept.length).fill(frames[encoder].padId)];
  };
  return { ...tokens, ids1: once(tokens.ids1, 0), ids2: once(tokens.ids2, 1) };
};

/** The thorough measure: every picture at every timestep with every noise. */
export const beforeAfterItems = (
  inputs: FixedInputs,
  timesteps: readonly number[],
  noises: number,
): Effect.Effect<readonly Item[], Fault> => {
  const all = pictures(inputs);
  const places = all.flatMap((picture, i) =>
    timesteps.flatMap((t) =>
      Array.from({ length: noises }, (_, k) => ({ picture, t, item: i * noises + k }))
    )
  );
  return underEach(
    inputs,
    Effect.forEach(places, ({ picture, t, item }) => itemOf(inputs, picture, t, item)),
  );
};
