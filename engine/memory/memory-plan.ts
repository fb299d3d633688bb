// How a training step trades time for memory. A recomputes attention probabilities and activation
// functions only; B keeps what enters each resnet and transformer block and computes the rest again; C is
// B with attention probabilities in smaller chunks on a card, and B on the processor.
import type { Provider } from "../device/providers.ts";
import type { Keep } from "../networks/unet.ts";

/** From the fastest to the one that needs least. */
export const memoryPlans = ["A", "B", "C"] as const;
/** What a training step keeps: A everything but attention, B what enters each block, C as B in smaller chunks. */
export type MemoryPlan = typeof memoryPlans[number];

export const keepOf = (plan: MemoryPlan): Keep => plan === "A" ? "all" : "block-inputs";

const mebibyte = 2 ** 20;

/**
 * Most bytes of attention probabilities at a time in the backward pass. On the processor, what its caches
 * hold (measured: 0.87 of the time of whole heads at 4096 queries, 0.97 at 1024, worse again below 4 MiB). A
 * card gets more at once, because each piece costs it a dozen launches; it is a size that WebGPU can bind.
 */
export function attentionBytesOf(plan: MemoryPlan, provider: Provider): number {
  if (provider === "cpu") return 8 * mebibyte;
  return (plan === "C" ? 16 : 64) * mebibyte;
}

/** The next plan that needs less, or undefined after the last. */
export const smallerPlan = (plan: MemoryPlan): MemoryPlan | undefined =>
  memoryPlans[memoryPlans.indexOf(plan) + 1];
