// The items of the fixed-input loss: always the same pictures, captions, noises and timesteps, with the
// posterior's mean, so that its values compare to the last digit.
// The trap: it is a plain mean of squares; min-SNR and masks belong to the training's objective.
import { Effect } from "effect";
import type { Fault } from "../../lib/fault.ts";
import { normals } from "../../engine/random/draw.ts";
import type { LatentExample, Latents, LatentView } from "../../inversion/artefacts/latents.ts";
import { type TokenIds, tokensOf } from "../../inversion/artefacts/token-ids.ts";
import type { Item } from "./batch.ts";
import type { ReadView } from "./latent-reader.ts";

export interface FixedInputs {
  readonly seed: number;
  readonly latents: Latents;
  readonly tokens: TokenIds;
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
    } satisfies Item;
  });

/** The small batch: one item a timestep, pictures in turn. */
export const fixedItems = (
  inputs: FixedInputs,
  timesteps: readonly number[],
): Effect.Effect<readonly Item[], Fault> => {
  const all = pictures(inputs);
  return Effect.forEach(timesteps, (t, i) => itemOf(inputs, all[i % all.length], t, i));
};

/** The thorough measure: every picture at every timestep with every noise. */
export const thoroughItems = (
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
  return Effect.forEach(places, ({ picture, t, item }) => itemOf(inputs, picture, t, item));
};
