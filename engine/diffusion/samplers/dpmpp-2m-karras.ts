// DPM-Solver++(2M) (Lu et al. 2022, algorithm 2, midpoint) at Karras' noise levels. The trap: it works on
// the estimate of clean latents and extrapolates from the last one; the first step has none, and the
// last goes to sigma 0, where extrapolation is undefined, so both are of first order. (Diffusers makes
// the last of fewer than 15 steps so whatever it goes to; at Karras' levels it then goes nowhere.)
import { log } from "../../random/exact-math.ts";
import { noiseSchedule, sigmasOf } from "../noise-schedule.ts";
import { karrasSigmas, timestepOf } from "./karras.ts";
import { withFinalSigma } from "./ode-levels.ts";
import { estimateClean, type SamplerMaker } from "./sampler.ts";
import { checkSteps, roundHalfEven } from "./timestep-spacing.ts";

export const dpmpp2mKarras: SamplerMaker = (config, steps) => {
  checkSteps(config, steps);
  const trained = sigmasOf(noiseSchedule(config));
  const levels = karrasSigmas(trained[trained.length - 1], trained[0], steps);
  const sigmas = withFinalSigma(config, levels, trained);
  const round = config.beta_schedule === "squaredcos_cap_v2" ? Math.floor : roundHalfEven;
  return {
    timesteps: levels.map((sigma) => round(timestepOf(sigma, trained))),
    sigmas,
    initNoiseSigma: 1,
    needsNoise: () => false,
    scaleModelInput: (latents) => latents,
    step: ({ latents, denoised: previous }, modelOutput, i) => {
      const [sigma, next] = [sigmas[i], sigmas[i + 1]];
      const alpha = 1 / Math.sqrt(sigma * sigma + 1);
      const nextAlpha = 1 / Math.sqrt(next * next + 1);
      const { prediction_type } = config;
      const spread = sigma * alpha;
      const denoised = estimateClean(prediction_type, alpha, spread, latents, modelOutput);
      const secondOrder = previous !== undefined && next > 0;
      // Half of h / h0: how far the trend between the last two estimates reaches into this step.
      const reach = secondOrder ? 0.5 * log(sigma / next) / log(sigmas[i - 1] / sigma) : 0;
      const target = secondOrder
        ? denoised.map((value, k) => value + reach * (value - previous[k]))
        : denoised;
      const ofSample = (next * nextAlpha) / spread;
      const ofTarget = nextAlpha * (1 - next / sigma);
      return {
        latents: latents.map((value, k) => ofSample * value + ofTarget * target[k]),
        denoised,
      };
    },
  };
};
