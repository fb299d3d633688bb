// DDIM (Song et al. 2021, eq. 12) without noise, eta 0. The trap: as in diffusers the next level lies
// floor(trained / steps) timesteps below, which with trailing spacing is not quite the next visited
// one; behind the last step stands alphasCumprod[0] unless the config sets it to one.
import { estimateClean, type SamplerMaker } from "./sampler.ts";
import { signalLevels } from "./signal-levels.ts";
import { roundHalfEven, spacedTimesteps } from "./timestep-spacing.ts";

export const ddim: SamplerMaker = (config, steps) => {
  const timesteps = spacedTimesteps(config, steps).map(roundHalfEven);
  const alphaAt = signalLevels(config, timesteps);
  const stride = Math.floor(config.num_train_timesteps / steps);
  const final = config.set_alpha_to_one ? 1 : alphaAt(0);
  return {
    timesteps,
    sigmas: [],
    initNoiseSigma: 1,
    needsNoise: () => false,
    scaleModelInput: (latents) => latents,
    step: ({ latents }, modelOutput, i) => {
      const alpha = alphaAt(timesteps[i]);
      const nextTimestep = timesteps[i] - stride;
      const next = nextTimestep < 0 ? final : alphaAt(nextTimestep);
      const [signal, spread] = [Math.sqrt(alpha), Math.sqrt(1 - alpha)];
      const { prediction_type } = config;
      const denoised = estimateClean(prediction_type, signal, spread, latents, modelOutput);
      const noiseAt = prediction_type === "epsilon"
        ? (k: number) => modelOutput[k]
        : (k: number) => signal * modelOutput[k] + spread * latents[k];
      const [nextSignal, nextSpread] = [Math.sqrt(next), Math.sqrt(1 - next)];
      return {
        latents: latents.map((_, k) => nextSignal * denoised[k] + nextSpread * noiseAt(k)),
        denoised,
      };
    },
  };
};
