// Which of the trained timesteps a run of few steps visits (Lin et al. 2023, table 2, as diffusers has
// it). The trap: "leading" never starts at the last timestep, and its offset can pass it when there are
// nearly as many steps as timesteps.
import type { SchedulerConfig } from "../../networks/config.ts";
import { SamplerFault } from "./sampler.ts";

/** Halves go to the even neighbour, as in numpy. */
export function roundHalfEven(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  if (rest !== 0.5) return rest < 0.5 ? below : below + 1;
  return below % 2 === 0 ? below : below + 1;
}

/** `steps` timesteps, falling; fractional only where `linspace` makes them so. Throws SamplerFault. */
export function spacedTimesteps(config: SchedulerConfig, steps: number): number[] {
  const { num_train_timesteps: trained, timestep_spacing, steps_offset } = config;
  checkSteps(config, steps);
  const place = (i: number): number => {
    switch (timestep_spacing) {
      case "linspace":
        return steps === 1 ? 0 : (steps - 1 - i) * ((trained - 1) / (steps - 1));
      case "leading":
        return (steps - 1 - i) * Math.floor(trained / steps) + steps_offset;
      case "trailing":
        // In the order of numpy's arange, so that halves fall as in diffusers.
        return roundHalfEven(trained + i * (trained - trained / steps - trained)) - 1;
    }
  };
  const timesteps = Array.from({ length: steps }, (_, i) => place(i));
  if (timesteps[0] < trained) return timesteps;
  throw new SamplerFault({
    key: "steps",
    wanted: `timesteps below ${trained}`,
    found: `${timesteps[0]} with ${steps} steps and steps_offset ${steps_offset}`,
    fix: "Take fewer steps",
  });
}

/** Throws SamplerFault unless `steps` is between 1 and the trained timesteps. */
export function checkSteps({ num_train_timesteps: trained }: SchedulerConfig, steps: number): void {
  if (Number.isInteger(steps) && steps >= 1 && steps <= trained) return;
  throw new SamplerFault({
    key: "steps",
    wanted: `1 to ${trained} sampling steps`,
    found: `${steps}`,
    fix: "Usual are 20 to 50",
  });
}
