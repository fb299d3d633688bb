// How well vectors in the place of a word say what some pictures show: the fixed-input loss outside of a
// training, for `suggest` and `embedding prune`. Always the same pictures, noises and timesteps, so that
// two values of one object compare to the last digit.
// The trap: a word of the vocabulary is pooled at the end token, so everything here is; a placeholder's
// rows and a word's then differ in nothing but their values.
import { Effect, type Scope } from "effect";
import { scaleLatents } from "../../engine/diffusion/latent-scaling.ts";
import { noiseSchedule } from "../../engine/diffusion/noise-schedule.ts";
import { prepareStep } from "../../engine/diffusion/objective.ts";
import { normals } from "../../engine/random/draw.ts";
import { latentSize } from "../../engine/sample/latent-size.ts";
import { type StepResult, tensor, type TrainingBatch } from "../../engine/session/batch.ts";
import type { Engine } from "../../engine/session/engine.ts";
import { chooseDevice } from "../../engine/setup/choose-device.ts";
import { captionTokenizer, framed } from "../../engine/text/caption-tokenizer.ts";
import type { Model } from "../../engine/weights/model.ts";
import type { Fault } from "../../lib/fault.ts";
import { tryPromise } from "../../lib/try-promise.ts";
import type { Basis } from "../generate/base-model.ts";
import { pictureSize } from "../generate/picture-size.ts";
import { loadModel } from "../model/load-model.ts";
import {
  computeOf,
  type EngineChoice,
  openEngine,
  schedulerOf,
  toolsSaying,
} from "../model/open-engine.ts";
import { poolingRule } from "../model/pooling.ts";
import { pixelsOf, someOf } from "./some-pictures.ts";

/** Rows of both text encoders, n * width each. */
export type WordRows = readonly [ArrayLike<number>, ArrayLike<number>];

export interface PictureLoss {
  readonly model: Model;
  readonly engine: Engine;
  readonly pictures: number;
  /** The mean squared error over all pictures at `timesteps`, with `vectors` rows in the caption. */
  readonly loss: (
    rows: WordRows,
    vectors: number,
    timesteps: readonly number[],
  ) => Effect.Effect<number, Fault>;
  /** Loss and gradient over all pictures at one timestep, with noise number `draw`. */
  readonly gradient: (
    rows: WordRows,
    vectors: number,
    timestep: number,
    draw: number,
  ) => Effect.Effect<StepResult, Fault>;
}

export interface PictureLossRequest {
  readonly basis: Basis;
  /** A folder of pictures. */
  readonly folder: string;
  /** In pixels; null: the model's own. */
  readonly size: readonly [height: number, width: number] | null;
  readonly provider: EngineChoice["provider"];
  readonly threads: number | null;
}

export interface Listener {
  readonly say: (text: string) => void;
  readonly progress: (done: number, total: number, unit: string) => Effect.Effect<void>;
}

const word = "gnomic_measured_word";
const caption = `a photo of a ${word}`;

/** Fails with PictureLossFault or PictureFault, and as loading the model and opening the device fail. */
export const openPictureLoss = (
  { basis, folder, size: asked, provider, threads }: PictureLossRequest,
  listener: Listener,
): Effect.Effect<PictureLoss, Fault, Scope.Scope> =>
  Effect.gen(function* () {
    const sources = yield* tryPromise(() => someOf(folder));
    const { progress } = listener;
    const model = yield* loadModel(basis, { offline: false, progress });
    const size = yield* tryPromise(() => pictureSize(asked, null, model));
    const latents = latentSize(model.configs.vae, size[0], size[1]);
    const device = yield* tryPromise(() =>
      chooseDevice({ provider, threads, compute: computeOf(basis.weight_dtype) })
    );
    const engine = yield* openEngine(model, {
      provider: device.provider,
      threads,
      weight_dtype: basis.weight_dtype,
      work: { plans: ["A", "B", "C"], sizes: [latents], batch: sources.length },
    }, toolsSaying(listener.say, progress));
    const encoded = yield* Effect.forEach(sources, (source) =>
      tryPromise(async () => {
        const { mean } = await engine.encodeImage(await pixelsOf(source, size));
        return scaleLatents(mean.data as Float32Array, model.configs.vae);
      }));
    yield* Effect.promise(() => engine.release("encode"));
    const channels = encoded[0].length / (latents.height * latents.width);
    const shape = [sources.length, channels, latents.height, latents.width];
    const joined = Float64Array.from(encoded.flatMap((each) => [...each]));
    const schedule = noiseSchedule(schedulerOf(model, basis));
    const plain = {
      schedule,
      minSnrGamma: null,
      vMinSnr: "reference",
      maskNormalise: false,
    } as const;

    const idsOf = remembered((vectors: number) =>
      ([0, 1] as const).map((encoder) => {
        const { vocab_size } = model.configs[encoder === 0 ? "textEncoder" : "textEncoder2"];
        const placeholder = [{ name: word, vectors }];
        const tokenizer = captionTokenizer(model.tokenizers[encoder], placeholder, vocab_size);
        return framed(tokenizer.idsOf(caption), tokenizer);
      })
    );
    const questionOf = remembered((key: string) => {
      const [timestep, draw] = key.split(" ").map(Number);
      const noises = sources.map((_, item) =>
        normals({ seed: draw, purpose: "picture loss", step: timestep, item }, encoded[item].length)
      );
      return prepareStep({
        shape,
        latents: joined,
        noise: Float64Array.from(noises.flatMap((noise) => Array.from(noise))),
        timesteps: sources.map(() => timestep),
      }, plain);
    });
    const pooling = sources.map(() => poolingRule("end_token", model));
    const batchOf = (
      rows: WordRows,
      vectors: number,
      timestep: number,
      draw: number,
    ): TrainingBatch => {
      const { noisy, target, weight } = questionOf(`${timestep} ${draw}`);
      const [ids1, ids2] = idsOf(vectors);
      return {
        ids1: sources.map(() => ids1),
        ids2: sources.map(() => ids2),
        rows1: rows[0],
        rows2: rows[1],
        pooling,
        timesteps: sources.map(() => timestep),
        timeIds: sources.map(() => [size[0], size[1], 0, 0, size[0], size[1]]),
        noisy: tensor(noisy, shape),
        target: tensor(target, shape),
        weight: tensor(weight, [sources.length, 1, latents.height, latents.width]),
      };
    };
    return {
      model,
      engine,
      pictures: sources.length,
      loss: (rows, vectors, timesteps) =>
        Effect.map(
          Effect.forEach(
            timesteps,
            (timestep) => tryPromise(() => engine.loss(batchOf(rows, vectors, timestep, 0))),
          ),
          (each) => each.reduce((sum, value) => sum + value, 0) / each.length,
        ),
      gradient: (rows, vectors, timestep, draw) =>
        tryPromise(() => engine.trainStep(batchOf(rows, vectors, timestep, draw))),
    };
  });

/** Keeps every answer: there are few questions, and they come again and again. */
function remembered<K, A>(make: (key: K) => A): (key: K) => A {
  const known = new Map<K, A>();
  return (key) => {
    const found = known.get(key) ?? make(key);
    known.set(key, found);
    return found;
  };
}
