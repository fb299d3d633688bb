// Draws the items of a training micro-batch. Everything random is a pure function of (seed, micro-batch,
// place in it), or of (seed, epoch, picture) for captions, so any step can be replayed alone.
// The trap: all items of a batch have the same size.
import { Effect } from "effect";
import { scaleLatents } from "../../engine/diffusion/latent-scaling.ts";
import { type ObjectiveOptions, prepareStep } from "../../engine/diffusion/objective.ts";
import { samplePosterior } from "../../engine/diffusion/posterior.ts";
import { timeIds } from "../../engine/diffusion/time-ids.ts";
import type { VaeConfig } from "../../engine/networks/config.ts";
import { normals, randomInt } from "../../engine/random/draw.ts";
import { tensor, type TrainingBatch } from "../../engine/session/batch.ts";
import type { PoolingRule } from "../../engine/text/pooling.ts";
import type { LatentView } from "../../inversion/artefacts/latents.ts";
import {
  type CaptionTokens,
  type TokenIds,
  tokensFor,
} from "../../inversion/artefacts/token-ids.ts";
import type { Fault } from "../../lib/fault.ts";
import type { AwaitedPictures } from "./awaited-pictures.ts";
import type { MicroBatch } from "./batch-plan.ts";
import type { ReadView } from "./latent-reader.ts";

export interface Drawing {
  readonly seed: number;
  readonly pictures: AwaitedPictures;
  readonly tokens: TokenIds;
  /** Number of timesteps of the noise schedule. */
  readonly timesteps: number;
  readonly useMasks: boolean;
  /** Where a caption's pooled text may be taken: of several, one is drawn for each item. */
  readonly poolings: readonly PoolingRule[];
  readonly read: (view: LatentView) => Effect.Effect<ReadView, Fault>;
}

export const drawItems = (
  { examples, micro, epoch }: MicroBatch,
  { seed, pictures, tokens, timesteps, useMasks, poolings, read }: Drawing,
): Effect.Effect<readonly Item[], Fault> =>
  Effect.forEach(examples, (example, item) =>
    Effect.gen(function* () {
      const at = (purpose: string) => ({ seed, purpose, step: micro, item });
      const { views } = yield* pictures.trained(example);
      const view = views[randomInt(at("view"), views.length)];
      const { mean, logvar, mask } = yield* read(view);
      return {
        view,
        latents: samplePosterior({ mean, logvar }, normals(at("posterior"), mean.length)),
        noise: normals(at("noise"), mean.length),
        timestep: randomInt(at("timestep"), timesteps),
        tokens: tokensFor(tokens, { seed, epoch, item: example }),
        mask: useMasks ? mask : null,
        pooling: poolings[randomInt(at("pooling"), poolings.length)],
      };
    }));

/** One picture in a batch, everything drawn. */
export interface Item {
  readonly view: LatentView;
  /** [C, h, w], as the VAE gives them. */
  readonly latents: ArrayLike<number>;
  readonly noise: ArrayLike<number>;
  readonly timestep: number;
  readonly tokens: CaptionTokens;
  /** [h, w], or null where everything counts. */
  readonly mask: ArrayLike<number> | null;
  /** Where its caption's pooled text is taken. */
  readonly pooling: PoolingRule;
}

const join = (parts: readonly ArrayLike<number>[]): Float64Array => {
  const size = parts[0].length;
  const joined = new Float64Array(parts.length * size);
  parts.forEach((part, i) => joined.set(part, i * size));
  return joined;
};

/** Items put together for the engine: latents scaled, noise added, the loss's weights. */
export function batchOf(
  items: readonly Item[],
  vae: VaeConfig,
  objective: ObjectiveOptions,
): Omit<TrainingBatch, "rows1" | "rows2"> {
  const [height, width] = items[0].view.size;
  const area = height * width;
  const shape = [items.length, items[0].latents.length / area, height, width];
  const masked = items.some(({ mask }) => mask !== null);
  const timesteps = items.map(({ timestep }) => timestep);
  const { noisy, target, weight } = prepareStep({
    shape,
    latents: scaleLatents(join(items.map(({ latents }) => latents)), vae),
    noise: join(items.map(({ noise }) => noise)),
    timesteps,
    ...(masked ? { mask: join(items.map(({ mask }) => mask ?? ones(area))) } : {}),
  }, objective);
  return {
    ids1: items.map(({ tokens }) => tokens.ids1),
    ids2: items.map(({ tokens }) => tokens.ids2),
    pooling: items.map(({ pooling }) => pooling),
    timesteps,
    timeIds: items.map(({ view }) =>
      timeIds({
        originalSize: view.original_size,
        cropTopLeft: view.crop_top_left,
        targetSize: view.target_size,
      })
    ),
    noisy: tensor(noisy, shape),
    target: tensor(target, shape),
    weight: tensor(weight, [items.length, 1, height, width]),
  };
}

const ones = (length: number): Float32Array => new Float32Array(length).fill(1);
