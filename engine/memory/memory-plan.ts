// How a training step trades time for memory. A recomputes attention probabilities only; B keeps what
// enters each resnet and transformer block and computes the rest again; C is B with attention
// probabilities in chunks.
import type { Keep } from "../networks/unet.ts";

export type MemoryPlan = "A" | "B" | "C";

/** Plan C's chunks: small enough for any card, large enough to keep it busy. */
const chunkBytes = 64 * 2 ** 20;

export const keepOf = (plan: MemoryPlan): Keep => plan === "A" ? "all" : "block-inputs";

export const attentionBytesOf = (plan: MemoryPlan): number => plan === "C" ? chunkBytes : Infinity;
