// How a training step trades time for memory. A recomputes attention probabilities and activation
// functions only; B keeps what enters each resnet and transformer block and computes the rest again; C is
// B with attention probabilities in chunks.
import type { Provider } from "../device/providers.ts";
import type { Keep } from "../networks/unet.ts";

export const memoryPlans = ["A", "B", "C"] as const;
/** From the fastest to the one that needs least. */
export type MemoryPlan = typeof memoryPlans[number];

/** Plan C's chunks: small enough for any card, large enough to keep it busy. */
const chunkBytes = 64 * 2 ** 20;

export const keepOf = (plan: MemoryPlan): Keep => plan === "A" ? "all" : "block-inputs";

/** Most bytes of probabilities at a time. WebGPU cannot bind large ones whatever the plan (lower.ts). */
export const attentionBytesOf = (plan: MemoryPlan, provider: Provider = "cpu"): number =>
  plan === "C" || provider === "webgpu" ? chunkBytes : Infinity;

/** The next plan that needs less, or undefined after the last. */
export const smallerPlan = (plan: MemoryPlan): MemoryPlan | undefined =>
  memoryPlans[memoryPlans.indexOf(plan) + 1];
