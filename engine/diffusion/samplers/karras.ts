// Karras' noise levels (Karras et al. 2022, eq. 5, rho 7), and the timestep a noise level stands for.
// The trap: the UNet knows only timesteps, so each level is looked up on the log-sigma curve of the
// trained schedule, in float32 as diffusers keeps it; solvers then round it or not.
import { log, pow } from "../../random/exact-math.ts";

const RHO = 7;
const TINY = 1e-10;

/** `steps` levels from `max` down to `min`. */
export function karrasSigmas(max: number, min: number, steps: number): number[] {
  const from = pow(max, 1 / RHO);
  const to = pow(min, 1 / RHO);
  return Array.from({ length: steps }, (_, i) => {
    const ramp = steps === 1 ? 0 : i * (1 / (steps - 1));
    return pow(from + ramp * (to - from), RHO);
  });
}

/** The fractional timestep at which the trained schedule has noise `sigma`, held within its ends. */
export function timestepOf(sigma: number, trained: Float64Array): number {
  const wanted = log(Math.max(sigma, TINY));
  const logAt = (t: number) => Math.fround(log(trained[t]));
  const above = trained.findLastIndex((_, t) => wanted >= logAt(t));
  const low = Math.min(Math.max(above, 0), trained.length - 2);
  const span = Math.fround(logAt(low) - logAt(low + 1));
  const share = Math.min(Math.max((logAt(low) - wanted) / span, 0), 1);
  return (1 - share) * low + share * (low + 1);
}
