// Min-SNR weights (Hang et al. 2023, arXiv 2303.09556): timesteps with little noise count less. The
// trap: for v-prediction the reference trainer adds 1 where the paper divides by snr + 1; both forms
// are here. At SNR 0 the epsilon form takes its limit 1, where the reference divides 0 by 0.
import type { PredictionType } from "./noise-schedule.ts";

/** How v-prediction is weighted: min(snr, g) / snr + 1, or min(snr, g) / (snr + 1). */
export type VMinSnr = "reference" | "corrected";

export interface MinSnrOptions {
  readonly predictionType: PredictionType;
  /** The bound g; null weighs all timesteps alike. */
  readonly gamma: number | null;
  readonly vMinSnr: VMinSnr;
}

/** The factor on one item's loss, finite for every `snr` from 0 to Infinity. */
export function minSnrWeight(
  snr: number,
  { predictionType, gamma, vMinSnr }: MinSnrOptions,
): number {
  if (gamma === null) return 1;
  const epsilonWeight = snr <= gamma ? 1 : gamma / snr;
  if (predictionType === "epsilon") return epsilonWeight;
  return vMinSnr === "reference" ? epsilonWeight + 1 : Math.min(snr, gamma) / (snr + 1);
}
