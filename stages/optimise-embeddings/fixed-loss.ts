// The items of the fixed-input loss: always the same pictures, captions, noises and timesteps, with the
// posterior's mean, so that its values compare to the last digit.
// The trap: it is a plain mean of squares; min-SNR and masks belong to the training's objective.
import { Effect } from "effect";
import { settledAfter } from "../../config/length.ts";
import type { ObjectiveOptions } from "../../engine/diffusion/objective.ts";
import { normals } from "../../engine/random/draw.ts";
import { tensor } from "../../engine/session/batch.ts";
import type { Engine } from "../../engine/session/engine.ts";
import type { LatentExample, Latents, LatentView } from "../../inversion/artefacts/latents.ts";
import { type TokenIds, tokensOf } from "../../inversion/artefacts/token-ids.ts";
import type { Fault } from "../../lib/fault.ts";
import { tryPromise } from "../../lib/try-promise.ts";
import type { StageTools } from "../../runtime/stage.ts";
import { chunks } from "./batch-plan.ts";
import { batchOf, type Item } from "./batches.ts";
import type { ReadView } from "./latent-reader.ts";
import type { EncoderPair } from "./training-state.ts";

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
  return Effect.forEach(places, ({ picture, t, item }) => itemOf(inputs, picture, t, item));
};

// The mean squared error of the prediction over fixed items, forward only, in the training's own batches:
// its compiled graph serves both. The mean is over items, so a batch's size changes only last digits.
// The trap: the last batch is filled up with items that count nothing.

/** What the engine measures at once: so many items of one size. */
export interface Measured {
  readonly items: readonly Item[];
  readonly batchSize: number;
  readonly objective: ObjectiveOptions;
}

export const measure = (
  engine: Engine,
  tools: Pick<StageTools, "withResource">,
  { items, batchSize, objective }: Measured,
  [rows1, rows2]: EncoderPair,
): Effect.Effect<number, Fault> =>
  Effect.gen(function* () {
    const plain = { ...objective, minSnrGamma: null, maskNormalise: false };
    let sum = 0;
    for (const chunk of chunksOfOneSize(items, batchSize)) {
      const filled = Array.from({ length: batchSize }, (_, i) => chunk[i] ?? chunk[0]);
      const { weight, ...batch } = batchOf(filled, engine.model.configs.vae, plain);
      const each = weight.data.length / batchSize;
      const counted = weight.data.map((value, i) => i < chunk.length * each ? value : 0);
      const loss = yield* tools.withResource(
        "device",
        tryPromise(() =>
          engine.loss({ ...batch, weight: tensor(counted, weight.dims), rows1, rows2 })
        ),
      );
      // The objective's mean is over the whole batch.
      sum += loss * batchSize;
    }
    return sum / items.length;
  });

function chunksOfOneSize(
  items: readonly Item[],
  batchSize: number,
): readonly (readonly Item[])[] {
  const bySize = Map.groupBy(items, ({ view }) => view.size.join("x"));
  return [...bySize.values()].flatMap((group) => chunks(group, batchSize));
}

// What the course of the fixed-input loss says: the best step so far, and whether the loss has settled
// (variance of its last 200 values over the variance of all, below 0.15; arXiv 2302.04841).
// The trap: sums run in order, so that the verdict is the same bytes after any resume.

const settledBelow = 0.15;

function variance(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  const mean = sum / values.length;
  let squares = 0;
  for (let i = 0; i < values.length; i++) squares += (values[i] - mean) * (values[i] - mean);
  return squares / values.length;
}

/** null while there are not more values than the window holds. */
export function varianceRatio(losses: Float64Array): number | null {
  if (losses.length <= settledAfter) return null;
  const all = variance(losses);
  return all === 0 ? 0 : variance(losses.subarray(losses.length - settledAfter)) / all;
}

export const hasSettled = (losses: Float64Array): boolean => {
  const ratio = varianceRatio(losses);
  return ratio !== null && ratio < settledBelow;
};
