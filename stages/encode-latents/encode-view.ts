// One view of a picture through the VAE's encoder: mean and log-variance as one blob, remembered by what they are
// made of, and its mask at the size of the latents.
// The trap: what is not finite is never kept (the engine itself repeats in float32 what overflows).
import { Effect } from "effect";
import { vaeFactor } from "../../engine/networks/autoencoder.ts";
import type { ModelConfigs } from "../../engine/networks/config.ts";
import { latentSize } from "../../engine/sample/latent-size.ts";
import { tensor } from "../../engine/session/batch.ts";
import type { Engine } from "../../engine/session/engine.ts";
import { type Example, toPlanar, type View } from "../../inversion/artefacts/examples.ts";
import { type LatentView, notYet } from "../../inversion/artefacts/latents.ts";
import { type Fault, fault } from "../../lib/fault.ts";
import { tryPromise } from "../../lib/try-promise.ts";
import type { StageTools } from "../../runtime/stage.ts";
import { latentMask } from "./latent-mask.ts";

export class EncodeFault extends fault("EncodeFault", "world") {}

/** Raised when the same pixels and weights give other latents: the stage's own, and of each view that is remembered. */
export const encodingVersion = 1;

interface EncodeOptions {
  readonly weight_dtype: string;
  readonly provider: string;
  readonly mask_downscale: "nearest" | "area";
}

/** A view that is still to be encoded. Throws LatentSizeFault. */
export const outline = (view: View, vae: ModelConfigs["vae"]): LatentView => {
  const { size, original_size, crop_top_left, target_size, flipped } = view;
  const { height, width } = latentSize(vae, ...size);
  return {
    size: [height, width],
    original_size,
    crop_top_left,
    target_size,
    flipped,
    posterior: notYet,
    mask: null,
  };
};

export const encodeView = (
  engine: Engine,
  weights: unknown,
  example: Example,
  view: View,
  { weight_dtype, provider, mask_downscale }: EncodeOptions,
  tools: StageTools,
) =>
  Effect.gen(function* () {
    const [height, width] = view.size;
    const { vae } = engine.model.configs;
    const key = {
      encodeLatents: encodingVersion,
      pixels: view.pixels.digest,
      weights,
      weight_dtype,
      provider,
    };
    const posterior = yield* tools.memo(
      key,
      Effect.gen(function* () {
        const pixels = toPlanar(yield* tools.get(view.pixels));
        const encode = tryPromise(() => engine.encodeImage(tensor(pixels, [1, 3, height, width])));
        const { mean, logvar } = yield* tools.withResource("device", encode);
        if (!mean.data.every(Number.isFinite) || !logvar.data.every(Number.isFinite)) {
          return yield* Effect.fail(overflow(example.id));
        }
        const both = new Float32Array(2 * mean.data.length);
        both.set(mean.data);
        both.set(logvar.data, mean.data.length);
        return new Uint8Array(both.buffer);
      }),
    );
    const weightsOf = yield* smallMask(view, vae, { mask_downscale }, tools);
    const mask = weightsOf === null ? null : yield* tools.put(new Uint8Array(weightsOf.buffer));
    return { ...outline(view, vae), posterior, mask } satisfies LatentView;
  });

/** A view's mask at the size of its latents, if it has one. */
export const smallMask = (
  view: View,
  vae: ModelConfigs["vae"],
  { mask_downscale }: Pick<EncodeOptions, "mask_downscale">,
  tools: Pick<StageTools, "get">,
): Effect.Effect<Float32Array<ArrayBuffer> | null, Fault> =>
  view.mask === null ? Effect.succeed(null) : Effect.map(
    tools.get(view.mask),
    (bytes) => latentMask(bytes, view.size, vaeFactor(vae), mask_downscale),
  );

const overflow = (id: string) =>
  new EncodeFault({
    file: id,
    wanted: "finite latents of this picture",
    found: "values that are not numbers",
    fix: "Run `probe` to see whether this device computes right, or name another `vae_model`.",
  });
