// What the engine is given and what it gives back: plain arrays with their shapes, B items at a time.
// The trap: captions are ids, not words; an id at or above the vocabulary's size is one of the rows.
import type { Tensor } from "../device/messages.ts";
import type { PoolingRule } from "../text/pooling.ts";

/** Captions as token ids; ids at or above the vocabulary's size are rows, n * width values. */
export interface Captions {
  readonly ids1: readonly (readonly number[])[];
  readonly ids2: readonly (readonly number[])[];
  readonly rows1: ArrayLike<number>;
  readonly rows2: ArrayLike<number>;
  /** Where each caption's pooled text is taken; by default as text encoder 2's config asks for. */
  readonly pooling?: readonly PoolingRule[];
}

export interface Conditioning {
  /** [B, 77, D]. */
  readonly context: Tensor;
  /** [B, P]. */
  readonly pooled: Tensor;
}

export interface Denoising {
  readonly timesteps: readonly number[];
  /** Per item: original height and width, crop top and left, target height and width, in pixels. */
  readonly timeIds: readonly (readonly number[])[];
}

export interface TrainingBatch extends Captions, Denoising {
  /** [B, 4, h, w]: what the UNet sees, and what it should answer. */
  readonly noisy: Tensor;
  readonly target: Tensor;
  /** [B, 1, h, w]: loss = sum(weight (prediction - target)^2). */
  readonly weight: Tensor;
}

export interface StepResult {
  readonly loss: number;
  /** Gradients of the rows, n * width. */
  readonly grad1: Float64Array;
  readonly grad2: Float64Array;
}

export const tensor = (data: Float32Array, dims: readonly number[]): Tensor => ({
  type: "float32",
  dims,
  data,
});
