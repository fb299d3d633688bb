// The share of signal at the timesteps that DDPM and DDIM visit. The trap: with zero terminal SNR a
// trailing or linspaced run starts at no signal at all, from which an epsilon model cannot tell the
// clean picture (a velocity model can).
import type { SchedulerConfig } from "../../networks/config.ts";
import { noiseSchedule } from "../noise-schedule.ts";
import { SamplerFault } from "./sampler.ts";

/** alphasCumprod at a timestep. Throws SamplerFault where an epsilon model would divide by it at 0. */
export function signalLevels(
  config: SchedulerConfig,
  timesteps: readonly number[],
): (timestep: number) => number {
  const { alphasCumprod } = noiseSchedule(config);
  if (config.prediction_type === "epsilon" && alphasCumprod[timesteps[0]] === 0) {
    throw new SamplerFault({
      key: "timestep_spacing",
      wanted: "a first timestep with some signal, for a model that predicts epsilon",
      found: `${config.timestep_spacing} spacing from timestep ${
        timesteps[0]
      }, where there is none`,
      fix: "Take the euler or dpmpp_2m_karras sampler, or leading spacing",
    });
  }
  return (timestep) => alphasCumprod[timestep];
}
