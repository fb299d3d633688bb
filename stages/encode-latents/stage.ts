// encode-latents: every view of every picture through the VAE's encoder, once. Each view is remembered
// by itself, so a changed crop encodes only what changed, and a run that died goes on where it was. What the
// first steps train on comes first and is shown at once, in a draft of the whole.
// The trap: what is not finite is never kept (the engine itself repeats in float32 what overflows).
import { Effect, Schema } from "effect";
import { modelFields } from "../../config/model.ts";
import { objectiveFields } from "../../config/objective.ts";
import { vaeFactor } from "../../engine/networks/autoencoder.ts";
import type { ModelConfigs } from "../../engine/networks/config.ts";
import { latentSize } from "../../engine/sample/latent-size.ts";
import { tensor } from "../../engine/session/batch.ts";
import type { Engine } from "../../engine/session/engine.ts";
import { type Example, examples, toPlanar, type View } from "../../inversion/artefacts/examples.ts";
import {
  type LatentExample,
  type Latents,
  latents,
  type LatentView,
  notYet,
} from "../../inversion/artefacts/latents.ts";
import { loadModel, modelInputs } from "../../inversion/model/load-model.ts";
import { engineFields, openEngine } from "../../inversion/model/open-engine.ts";
import { pictureOrder } from "../../inversion/picture-order.ts";
import { asFault } from "../../lib/as-fault.ts";
import { type Fault, fault } from "../../lib/fault.ts";
import { tryPromise } from "../../lib/try-promise.ts";
import { drafted } from "../../runtime/artefact.ts";
import { defineStage, type StageTools } from "../../runtime/stage.ts";
import { latentMask, weightWarnings } from "./latent-mask.ts";

export class EncodeFault extends fault("EncodeFault", "world") {}

const Options = Schema.Struct({
  ...modelFields,
  ...engineFields,
  mask_downscale: objectiveFields.mask_downscale,
});

const version = 1;

export const encodeLatents = defineStage({
  name: "encode-latents",
  version,
  summary: "Encodes each view with the VAE, keeping mean and log-variance",
  options: Options,
  reads: { examples },
  writes: { latents: drafted(latents) },
  lifetime: "cached",

  inputs: (options, tools) => modelInputs(options, tools, ["vae"]),
  describeInputs: () => "another VAE or model",

  run: ({ options, inputs, writers, tools }) =>
    Effect.scoped(Effect.gen(function* () {
      const { train, heldOut } = inputs.examples;
      const model = yield* loadModel(options, { offline: false, progress: tools.progress });
      const views = [...train, ...heldOut].flatMap((example) => example.views);
      const sizes = yield* Effect.try({
        try: () => views.map(({ size }) => latentSize(model.configs.vae, ...size)),
        catch: asFault,
      });
      const weigh = (examples: readonly Example[]) =>
        Effect.map(
          Effect.forEach(examples, ({ id, views }) =>
            Effect.forEach(views, (view) =>
              Effect.map(smallMask(view, model.configs.vae, options, tools), (mask) => ({
                id,
                hasWeight: mask === null || mask.some((weight) => weight > 0),
              })))),
          (views) =>
            views.flat(),
        );
      const weighed = [yield* weigh(train), yield* weigh(heldOut)] as const;
      const said = yield* tryPromise(() =>
        weightWarnings(...weighed, options.mask_downscale)
      );
      yield* Effect.forEach(said, (text) => tools.emit({ event: "warning", text }));
      const work = { plans: [], sizes, batch: 1 };
      const engine = yield* openEngine(model, { ...options, work }, tools);
      const weights = yield* modelInputs(options, { ...tools, offline: false }, ["vae"]);
      let done = 0;
      const encodeExample = (example: Example) =>
        Effect.gen(function* () {
          const made = yield* Effect.forEach(example.views, (view) =>
            Effect.gen(function* () {
              const latent = yield* encodeView(engine, weights, example, view, options, tools);
              yield* tools.progress(++done, views.length, "pictures");
              return latent;
            }));
          return { id: example.id, views: made };
        });
      const { vae } = model.configs;
      const outlines = (examples: readonly Example[]) =>
        examples.map(({ id, views }): LatentExample => ({
          id,
          views: views.map((view) => outline(view, vae)),
        }));
      let draft: Latents = {
        channels: vae.latent_channels,
        train: outlines(train),
        heldOut: outlines(heldOut),
      };
      yield* writers.latents(draft);
      for (const place of order(engine, train.length, tools)) {
        const made = yield* encodeExample(train[place]);
        draft = { ...draft, train: draft.train.with(place, made) };
        yield* writers.latents(draft);
      }
      const whole = { ...draft, heldOut: yield* Effect.forEach(heldOut, encodeExample) };
      yield* Effect.promise(() => engine.release("encode"));
      return { latents: whole };
    })),
});

export default encodeLatents;

/**
 * As the first epoch takes them. On a card as they stand in the dataset: what overflows there in float16 is
 * computed in float32 from then on, and which pictures those are must not hang on the seed.
 */
const order = ({ device }: Engine, count: number, { seed }: StageTools): readonly number[] =>
  device.provider === "cpu"
    ? pictureOrder({ seed, epoch: 0, group: 0 }, count)
    : Array.from({ length: count }, (_, place) => place);

/** A view that is still to be encoded. Throws LatentSizeFault. */
const outline = (view: View, vae: ModelConfigs["vae"]): LatentView => {
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

const encodeView = (
  engine: Engine,
  weights: unknown,
  example: Example,
  view: View,
  { weight_dtype, provider, mask_downscale }: typeof Options.Type,
  tools: StageTools,
) =>
  Effect.gen(function* () {
    const [height, width] = view.size;
    const { vae } = engine.model.configs;
    const key = {
      encodeLatents: version,
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
const smallMask = (
  view: View,
  vae: ModelConfigs["vae"],
  { mask_downscale }: Pick<typeof Options.Type, "mask_downscale">,
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
