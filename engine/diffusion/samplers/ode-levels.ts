// The noise levels (sigmas) that the ODE samplers step through, as diffusers lays them out. The trap:
// they are float32 at the end but interpolated in float64, and the last of them is 0 unless the config
// asks for the smallest trained one.
import type { SchedulerConfig } from "../../networks/config.ts";

/** The levels of the steps and the one behind the last step. */
export function withFinalSigma(
  config: SchedulerConfig,
  sigmas: readonly number[],
  trained: Float64Array,
): number[] {
  const final = config.final_sigmas_type === "zero" ? 0 : trained[0];
  return [...sigmas, final].map(Math.fround);
}

/** The trained schedule's sigma at a timestep that may be fractional. */
export function sigmaAt(trained: Float64Array, timestep: number): number {
  const below = Math.min(Math.floor(timestep), trained.length - 1);
  if (below === trained.length - 1) return trained[below];
  return trained[below] + (timestep - below) * (trained[below + 1] - trained[below]);
}
