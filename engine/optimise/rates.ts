// The six courses of the learning rate, by diffusers' names and with its defaults (one restart, half a
// cosine, a polynomial of power 1 down to 1e-7). The trap: as there, a warm-up begins at rate 0, so the
// first step moves nothing, and a cosine that runs past its last step rises again.
import { fault } from "../../lib/fault.ts";
import { cos } from "../random/exact-math.ts";

export class RateFault extends fault("RateFault", "user") {}

export interface RateOptions {
  readonly schedule:
    | "constant"
    | "constant_with_warmup"
    | "linear"
    | "cosine"
    | "cosine_with_restarts"
    | "polynomial";
  /** The rate at its highest. */
  readonly learningRate: number;
  readonly warmupSteps: number;
  /** Optimizer steps in the whole training. */
  readonly trainingSteps: number;
}

const PI = 3.141592653589793;
const POLYNOMIAL_END = 1e-7;

/** The rate of each optimizer step, counted from 0. Throws RateFault where the course is undefined. */
export function learningRates(options: RateOptions): (step: number) => number {
  const { schedule, learningRate, warmupSteps, trainingSteps } = options;
  if (schedule === "polynomial") checkPolynomial(options);
  const span = Math.max(1, trainingSteps - warmupSteps);
  const factor = (step: number): number => {
    if (schedule === "constant") return 1;
    if (step < warmupSteps) return step / warmupSteps;
    const progress = (step - warmupSteps) / span;
    switch (schedule) {
      case "constant_with_warmup":
        return 1;
      case "linear":
        return Math.max(0, (trainingSteps - step) / span);
      case "cosine":
        return 0.5 * (1 + cos(PI * progress));
      case "cosine_with_restarts":
        return progress >= 1 ? 0 : 0.5 * (1 + cos(PI * progress));
      case "polynomial": {
        const end = POLYNOMIAL_END / learningRate;
        return step > trainingSteps ? end : (1 - end) * (1 - progress) + end;
      }
    }
  };
  return (step) => learningRate * factor(step);
}

function checkPolynomial({ learningRate, warmupSteps, trainingSteps }: RateOptions): void {
  const steps = `${trainingSteps} steps of which ${warmupSteps} warm up`;
  if (warmupSteps === trainingSteps) {
    throw new RateFault({
      key: "lr_warmup_steps",
      wanted: "fewer warm-up steps than training steps for lr_scheduler polynomial",
      found: steps,
      fix: "Lower lr_warmup_steps, or take another lr_scheduler.",
    });
  }
  if (learningRate > POLYNOMIAL_END) return;
  throw new RateFault({
    key: "optimizer.learning_rate",
    wanted: `a rate above ${POLYNOMIAL_END}, where lr_scheduler polynomial ends`,
    found: `${learningRate}`,
    fix: "Raise the rate, or take another lr_scheduler.",
  });
}
