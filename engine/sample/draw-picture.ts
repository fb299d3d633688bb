// One picture of a prompt with any embeddings: text to tokens, tokens and noise to pixels. The same seed
// and number give the same picture, whichever command asks for it.
// The trap: noise is drawn at (seed, sampler step, picture), not at the prompt, so pictures of different
// prompts and of different embeddings compare.
import { fault } from "../../lib/fault.ts";
import type { Tensor } from "../device/messages.ts";
import type { SamplerName } from "../diffusion/samplers/samplers.ts";
import type { SchedulerConfig } from "../networks/config.ts";
import { normals } from "../random/draw.ts";
import type { Engine } from "../session/engine.ts";
import { type CaptionTokenizer, captionTokenizer, framed } from "../text/caption-tokenizer.ts";
import type { PoolingRule } from "../text/pooling.ts";
import type { Model } from "../weights/model.ts";
import { latentSize } from "./latent-size.ts";
import { sampleLatents, samplePicture, type SampleRequest } from "./sample.ts";

export class PictureFault extends fault("PictureFault", "user") {}

/** A textual inversion, ready to be used in prompts. */
export interface Embedding {
  /** The word that stands for it in prompts. */
  readonly name: string;
  /** How many tokens the word takes. */
  readonly vectors: number;
  /** [vectors * width] for each text encoder, of widths 768 and 1280 in SDXL. */
  readonly rows: readonly [ArrayLike<number>, ArrayLike<number>];
}

/**
 * Both text encoders' tokenizers, which know the words of some embeddings (`promptTokenizers`).
 * @internal
 */
export type PromptTokenizers = readonly [CaptionTokenizer, CaptionTokenizer];

/** What picture, and how it is sampled. */
export interface PictureRequest {
  /** What it shows; of it 75 tokens are read. */
  readonly prompt: string;
  /** Null: the picture avoids nothing, which is not the same as an empty text. */
  readonly negative: string | null;
  /** Their words may stand in both texts. */
  readonly embeddings: readonly Embedding[];
  /**
   * For these embeddings; built where they are not given.
   * @internal
   */
  readonly tokenizers?: PromptTokenizers;
  /** Where the pooled text is taken; as text encoder 2's config asks for by default. */
  readonly pooling?: PoolingRule;
  /** Of the noise; below 2^53. */
  readonly seed: number;
  /** Tells pictures of one seed apart, from 0. */
  readonly picture: number;
  /** How it walks from noise to the picture. */
  readonly sampler: SamplerName;
  /** How many of the sampler's steps, each one or two predictions of the UNet. */
  readonly steps: number;
  /** How much further from `negative` than the prediction alone: 1 is without, 5 to 8 is usual. */
  readonly guidance: number;
  /** In pixels, a multiple of what the VAE halves: 8 in SDXL. */
  readonly height: number;
  /** As the height. */
  readonly width: number;
  /** In place of the model's. */
  readonly scheduler?: SchedulerConfig;
  /** Called after each sampler step; what it throws ends the sampling. */
  readonly onStep?: (done: number) => void;
}

/** The tokenizers of both text encoders, with each embedding as a placeholder. Throws as they do. */
export const promptTokenizers = (
  { tokenizers: [first, second], configs }: Model,
  embeddings: readonly Pick<Embedding, "name" | "vectors">[],
): PromptTokenizers => [
  captionTokenizer(first, embeddings, configs.textEncoder.vocab_size),
  captionTokenizer(second, embeddings, configs.textEncoder2.vocab_size),
];

const joined = (parts: readonly ArrayLike<number>[]): Float64Array =>
  Float64Array.from(parts.flatMap((part) => Array.from(part)));

/**
 * The picture as pixels [1, 3, height, width], red, green and blue around -1..1. Throws LatentSizeFault,
 * SamplerFault, and PictureFault where they are no numbers.
 */
export async function drawPicture(engine: Engine, request: PictureRequest): Promise<Tensor> {
  const pixels = await samplePicture(engine, sampling(engine, request));
  if (!pixels.data.every(Number.isFinite)) throw overflow(request.prompt);
  return pixels;
}

/** The picture's latents [1, C, h, w], as the UNet knows them. Throws LatentSizeFault, SamplerFault. */
export const drawLatents = (engine: Engine, request: PictureRequest): Promise<Tensor> =>
  sampleLatents(engine, sampling(engine, request));

function sampling(engine: Engine, request: PictureRequest): SampleRequest {
  const { prompt, negative, embeddings, seed, picture, height, width } = request;
  const { tokenizers = promptTokenizers(engine.model, embeddings) } = request;
  const texts = negative === null ? [prompt] : [prompt, negative];
  const [ids1, ids2] = tokenizers.map((tokenizer) =>
    texts.map((text) => framed(tokenizer.idsOf(text), tokenizer))
  );
  const rule = request.pooling;
  return {
    captions: {
      ids1,
      ids2,
      rows1: joined(embeddings.map(({ rows }) => rows[0])),
      rows2: joined(embeddings.map(({ rows }) => rows[1])),
      ...(rule === undefined ? {} : { pooling: texts.map(() => rule) }),
    },
    guidance: request.guidance,
    sampler: request.sampler,
    steps: request.steps,
    ...latentSize(engine.model.configs.vae, height, width),
    timeIds: [height, width, 0, 0, height, width],
    scheduler: request.scheduler ?? engine.model.configs.scheduler,
    noise: (i, count) =>
      normals({ seed, purpose: "validation", step: i + 1, item: picture }, count),
    ...(request.onStep === undefined ? {} : { onStep: request.onStep }),
  };
}

/** A picture of them would be black, and nobody would know why. */
const overflow = (prompt: string) =>
  new PictureFault({
    wanted: `a picture of ${JSON.stringify(prompt)}`,
    found: "values that are not numbers",
    fix: "SDXL's own VAE overflows in float16: take madebyollin/sdxl-vae-fp16-fix as the VAE, or " +
      "another model or copy of it.",
  });
