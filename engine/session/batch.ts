// What the engine is given and what it gives back: plain arrays with their shapes, B items at a time.
// The trap: captions are ids, not words; an id at or above the vocabulary's size is one of the rows.
import type { Tensor } from "../device/messages.ts";
import type { PoolingRule } from "../text/pooling.ts";

/** B captions as token ids, 77 each; an id at or above the vocabulary's size is one of the rows. */
export interface Captions {
  /** Of text encoder 1. */
  readonly ids1: readonly (readonly number[])[];
  /** Of text encoder 2, whose tokenizer pads differently. */
  readonly ids2: readonly (readonly number[])[];
  /** [rows * width] of text encoder 1. */
  readonly rows1: ArrayLike<number>;
  /** [rows * width] of text encoder 2. */
  readonly rows2: ArrayLike<number>;
  /** Where each caption's pooled text is taken; by default as text encoder 2's config asks for. */
  readonly pooling?: readonly PoolingRule[];
}

/** B captions as the UNet takes them. */
export interface Conditioning {
  /** [B, 77, D]: both encoders' hidden states side by side. */
  readonly context: Tensor;
  /** [B, P]: text encoder 2's, at one position of each caption. */
  readonly pooled: Tensor;
}

/** What the UNet is told of B latents beside their captions. */
export interface Denoising {
  /** How noisy each is: 0 to 999 in SDXL. */
  readonly timesteps: readonly number[];
  /** Per item: original height and width, crop top and left, target height and width, in pixels. */
  readonly timeIds: readonly (readonly number[])[];
}

/** B items of a training step. */
export interface TrainingBatch extends Captions, Denoising {
  /** [B, 4, h, w]: what the UNet sees. */
  readonly noisy: Tensor;
  /** [B, 4, h, w]: what it should answer, as the model's prediction type has it. */
  readonly target: Tensor;
  /** [B, 1, h, w]: loss = sum(weight (prediction - target)^2). */
  readonly weight: Tensor;
}

/** What a training step came to. */
export interface StepResult {
  /** The weighted sum of squares over the batch. */
  readonly loss: number;
  /** The gradient of `rows1`, of its size. */
  readonly grad1: Float64Array;
  /** The gradient of `rows2`, of its size. */
  readonly grad2: Float64Array;
}

/** A tensor of the values and their shape; the values are not copied. */
export const tensor = (data: Float32Array, dims: readonly number[]): Tensor => ({
  type: "float32",
  dims,
  data,
});
