// Draws the items of a training micro-batch. Everything random is a pure function of (seed, micro-batch,
// place in it), or of (seed, epoch, picture) for captions, so any step can be replayed alone.
import { Effect } from "effect";
import { samplePosterior } from "../../engine/diffusion/posterior.ts";
import type { Fault } from "../../lib/fault.ts";
import { normals, randomInt } from "../../engine/random/draw.ts";
import type { Latents, LatentView } from "../../inversion/artefacts/latents.ts";
import { type TokenIds, tokensFor } from "../../inversion/artefacts/token-ids.ts";
import type { Item } from "./batch.ts";
import type { MicroBatch } from "./course.ts";
import type { ReadView } from "./latent-reader.ts";

export interface Drawing {
  readonly seed: number;
  readonly latents: Latents;
  readonly tokens: TokenIds;
  /** Number of timesteps of the noise schedule. */
  readonly timesteps: number;
  readonly useMasks: boolean;
  readonly read: (view: LatentView) => Effect.Effect<ReadView, Fault>;
}

export const drawItems = (
  { examples, micro, epoch }: MicroBatch,
  { seed, latents, tokens, timesteps, useMasks, read }: Drawing,
): Effect.Effect<readonly Item[], Fault> =>
  Effect.forEach(examples, (example, item) =>
    Effect.gen(function* () {
      const at = (purpose: string) => ({ seed, purpose, step: micro, item });
      const { views } = latents.train[example];
      const view = views[randomInt(at("view"), views.length)];
      const { mean, logvar, mask } = yield* read(view);
      return {
        view,
        latents: samplePosterior({ mean, logvar }, normals(at("posterior"), mean.length)),
        noise: normals(at("noise"), mean.length),
        timestep: randomInt(at("timestep"), timesteps),
        tokens: tokensFor(tokens, { seed, epoch, item: example }),
        mask: useMasks ? mask : null,
      };
    }));
