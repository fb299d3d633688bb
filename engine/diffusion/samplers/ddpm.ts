// DDPM's ancestral sampler (Ho et al. 2020, eq. 7, variance "fixed_small"), with which the reference
// trainer validates. The trap: between two visited timesteps lie many trained ones, so a step's alpha
// is a ratio of alphasCumprod; behind the last step that is 1, and no noise is added there.
import { estimateClean, type SamplerMaker, SamplerNoiseFault } from "./sampler.ts";
import { signalLevels } from "./signal-levels.ts";
import { roundHalfEven, spacedTimesteps } from "./timestep-spacing.ts";

export const ddpm: SamplerMaker = (config, steps) => {
  const timesteps = spacedTimesteps(config, steps).map(roundHalfEven);
  const alphaAt = signalLevels(config, timesteps);
  const needsNoise = (i: number) => i < steps - 1;
  return {
    timesteps,
    sigmas: [],
    initNoiseSigma: 1,
    needsNoise,
    scaleModelInput: (latents) => latents,
    step: ({ latents }, modelOutput, i, noise) => {
      if (needsNoise(i) && noise === undefined) throw missingNoise(i);
      const alpha = alphaAt(timesteps[i]);
      const next = needsNoise(i) ? alphaAt(timesteps[i + 1]) : 1;
      const denoised = estimateClean(
        config.prediction_type,
        Math.sqrt(alpha),
        Math.sqrt(1 - alpha),
        latents,
        modelOutput,
      );
      const stepAlpha = alpha / next;
      const ofDenoised = Math.sqrt(next) * (1 - stepAlpha) / (1 - alpha);
      const ofSample = Math.sqrt(stepAlpha) * (1 - next) / (1 - alpha);
      const spread = Math.sqrt((1 - next) / (1 - alpha) * (1 - stepAlpha));
      const mean = (value: number, k: number) => ofDenoised * denoised[k] + ofSample * value;
      return {
        latents: noise === undefined
          ? latents.map(mean)
          : latents.map((value, k) => mean(value, k) + spread * noise[k]),
        denoised,
      };
    },
  };
};

const missingNoise = (i: number) =>
  new SamplerNoiseFault({
    wanted: `fresh noise at step ${i}`,
    found: "none",
    fix: "Draw standard normal noise wherever needsNoise says so",
  });
