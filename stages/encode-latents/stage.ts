// encode-latents: every view of every picture through the VAE's encoder, once. Each view is remembered
// by itself, so a changed crop encodes only what changed, and a run that died goes on where it was. What the
// first steps train on comes first and is shown at once, in a draft of the whole.
// The trap: of a view whose turn has not come the draft has an outline alone (`notYet`); its readers wait for it.
import { Effect, Schema } from "effect";
import { modelFields } from "../../config/model.ts";
import { objectiveFields } from "../../config/objective.ts";
import { latentSize } from "../../engine/sample/latent-size.ts";
import type { Engine } from "../../engine/session/engine.ts";
import { type Example, examples } from "../../inversion/artefacts/examples.ts";
import { type LatentExample, type Latents, latents } from "../../inversion/artefacts/latents.ts";
import { loadModel, modelInputs } from "../../inversion/model/load-model.ts";
import { engineFields, openEngine } from "../../inversion/model/open-engine.ts";
import { pictureOrder } from "../../inversion/picture-order.ts";
import { asFault } from "../../lib/as-fault.ts";
import { tryPromise } from "../../lib/try-promise.ts";
import { drafted } from "../../runtime/artefact.ts";
import { defineStage, type StageTools } from "../../runtime/stage.ts";
import { encodeView, encodingVersion, outline, smallMask } from "./encode-view.ts";
import { weightWarnings } from "./latent-mask.ts";

const Options = Schema.Struct({
  ...modelFields,
  ...engineFields,
  mask_downscale: objectiveFields.mask_downscale,
});

export const encodeLatents = defineStage({
  name: "encode-latents",
  version: encodingVersion,
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
