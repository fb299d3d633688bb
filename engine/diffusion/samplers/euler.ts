// Euler's method on the probability-flow ODE in Karras' form (sample = clean + sigma * noise), as
// diffusers' EulerDiscreteScheduler without churn; Karras' levels if the config asks for them. The
// trap: latents here are not those of the UNet, which wants them divided by sqrt(sigma^2 + 1).
import { noiseSchedule, sigmasOf } from "../noise-schedule.ts";
import { karrasSigmas, timestepOf } from "./karras.ts";
import { sigmaAt, withFinalSigma } from "./ode-levels.ts";
import { estimateClean, type SamplerMaker } from "./sampler.ts";
import { spacedTimesteps } from "./timestep-spacing.ts";

export const euler: SamplerMaker = (config, steps) => {
  const trained = sigmasOf(noiseSchedule(config));
  const spaced = spacedTimesteps(config, steps).map(Math.fround);
  const interpolated = spaced.map((timestep) => sigmaAt(trained, timestep));
  const levels = config.use_karras_sigmas
    ? karrasSigmas(interpolated[0], interpolated[steps - 1], steps)
    : interpolated;
  const sigmas = withFinalSigma(config, levels, trained);
  const largest = sigmas[0];
  const root = (i: number) => Math.sqrt(sigmas[i] * sigmas[i] + 1);
  return {
    timesteps: config.use_karras_sigmas
      ? levels.map((sigma) => Math.fround(timestepOf(sigma, trained)))
      : spaced,
    sigmas,
    initNoiseSigma: config.timestep_spacing === "leading"
      ? Math.sqrt(largest * largest + 1)
      : largest,
    needsNoise: () => false,
    scaleModelInput: (latents, i) => latents.map((value) => value / root(i)),
    step: ({ latents }, modelOutput, i) => {
      const alpha = 1 / root(i);
      const scaled = Float64Array.from(latents, (value) => value * alpha);
      const denoised = estimateClean(
        config.prediction_type,
        alpha,
        sigmas[i] * alpha,
        scaled,
        modelOutput,
      );
      const ratio = sigmas[i + 1] / sigmas[i];
      return {
        latents: latents.map((value, k) => denoised[k] + ratio * (value - denoised[k])),
        denoised,
      };
    },
  };
};
