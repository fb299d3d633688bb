// What a gradient needs beside an engine, for tests: latents of given sizes out of the generator, one
// caption with the placeholder in it, AdamW. The first row of each encoder is all that there is.
import { Effect } from "effect";
import { noiseSchedule } from "../../engine/diffusion/noise-schedule.ts";
import { normals } from "../../engine/random/draw.ts";
import type { Engine } from "../../engine/session/engine.ts";
import { poolingOf } from "../../engine/text/pooling.ts";
import type { LatentView } from "../../inversion/artefacts/latents.ts";
import type { Blob } from "../../runtime/artefact.ts";
import { allEncoded } from "./awaited-pictures.ts";
import type { GradientTools } from "./training.ts";

const blob: Blob = { digest: "0".repeat(64), bytes: 0 };
const frame = { startId: 0, endId: 1, padId: 1 };

const viewOf = ([height, width]: readonly [number, number]): LatentView => ({
  size: [height, width],
  original_size: [8 * height, 8 * width],
  crop_top_left: [0, 0],
  target_size: [8 * height, 8 * width],
  flipped: false,
  posterior: blob,
  mask: null,
});

/** `sizes`: of the latents, one a picture. */
export function gradientTools(
  engine: Engine,
  sizes: readonly (readonly [height: number, width: number])[],
): GradientTools {
  const { configs } = engine.model;
  const rowIds = [[configs.textEncoder.vocab_size], [configs.textEncoder2.vocab_size]] as const;
  return {
    engine,
    drawing: {
      seed: 1,
      pictures: allEncoded({
        channels: 4,
        train: sizes.map((size, i) => ({ id: `${i}`, views: [viewOf(size)] })),
        heldOut: [],
      }),
      tokens: {
        placeholder: "gnome",
        placeholderTokens: ["gnome"],
        placeholderIds: rowIds,
        initialIds: null,
        frames: [frame, frame],
        shuffle_delimiter: null,
        captions: [[{ text: "gnome", ids: rowIds, followed: null }]],
        train: sizes.map((_, i) => ({ id: `${i}`, captions: [0] })),
        heldOut: [],
      },
      timesteps: configs.scheduler.num_train_timesteps,
      useMasks: false,
      poolings: [poolingOf(configs.textEncoder2)],
      read: ({ size: [height, width] }) => {
        const at = { seed: 2, purpose: "latents", step: height, item: width };
        const drawn = Float32Array.from(normals(at, 8 * height * width));
        const half = drawn.length / 2;
        return Effect.succeed({
          mean: drawn.subarray(0, half),
          logvar: drawn.subarray(half),
          mask: null,
        });
      },
    },
    objective: {
      schedule: noiseSchedule(configs.scheduler),
      minSnrGamma: null,
      vMinSnr: "reference",
      maskNormalise: false,
    },
    accumulation: 2,
    rules: {
      optimizer: {
        optimizer_type: "AdamW",
        beta1: 0.9,
        beta2: 0.999,
        weight_decay: 0.01,
        epsilon: 1e-8,
      },
      rateUnits: [1, 1],
      maxGradNorm: null,
      stdPull: "off",
      spreads: [1, 1],
    },
    tools: { withResource: (_, work) => work },
  };
}
