// The courses of the learning rate: one table, by diffusers' names and with its defaults (one restart, half
// a cosine, a polynomial of power 1 down to 1e-7), and warmup_stable_decay. The trap: as in diffusers, a
// warm-up begins at rate 0, so the first step moves nothing, and a cosine that runs past its last step
// rises again.
import { fault } from "../../lib/fault.ts";
import { cos } from "../random/exact-math.ts";

export class RateFault extends fault("RateFault", "user") {}

export interface RateOptions {
  readonly schedule: ScheduleName;
  /** The rate at its highest. */
  readonly learningRate: number;
  readonly warmupSteps: number;
  /** Optimizer steps in the whole training. */
  readonly trainingSteps: number;
  /** Of warmup_stable_decay: the part of all steps in which the rate falls to 0. */
  readonly decayFraction: number;
}

interface Schedule {
  readonly warmsUp: boolean;
  /** Whether the rate at a step depends on how many there are in all. */
  readonly knowsItsEnd: boolean;
  /** The factor on the highest rate, after any warm-up. */
  readonly factor: (step: number, options: RateOptions) => number;
}

const PI = 3.141592653589793;
const POLYNOMIAL_END = 1e-7;

/** Steps after the warm-up; at least 1. */
const span = ({ trainingSteps, warmupSteps }: RateOptions) =>
  Math.max(1, trainingSteps - warmupSteps);

/** 0 after the warm-up, 1 at the end. */
const progress = (step: number, options: RateOptions) =>
  (step - options.warmupSteps) / span(options);

const halfCosine = (part: number) => 0.5 * (1 + cos(PI * part));

/** Over its last D steps the factor falls in a line; D leaves the warm-up alone. */
function stableDecay(step: number, options: RateOptions): number {
  const { trainingSteps, decayFraction } = options;
  // A product like 0.1 * 30 may lie a last digit above its whole number.
  const decay = Math.min(span(options), Math.ceil(decayFraction * trainingSteps - 1e-9));
  return Math.max(0, Math.min(1, (trainingSteps - step) / Math.max(1, decay)));
}

/** In the order in which they are named to people. */
export const schedules = {
  linear: {
    warmsUp: true,
    knowsItsEnd: true,
    factor: (step, options) => Math.max(0, (options.trainingSteps - step) / span(options)),
  },
  cosine: {
    warmsUp: true,
    knowsItsEnd: true,
    factor: (step, options) => halfCosine(progress(step, options)),
  },
  cosine_with_restarts: {
    warmsUp: true,
    knowsItsEnd: true,
    factor: (step, options) =>
      progress(step, options) >= 1 ? 0 : halfCosine(progress(step, options)),
  },
  polynomial: {
    warmsUp: true,
    knowsItsEnd: true,
    factor: (step, options) => {
      const end = POLYNOMIAL_END / options.learningRate;
      return step > options.trainingSteps ? end : (1 - end) * (1 - progress(step, options)) + end;
    },
  },
  constant: { warmsUp: false, knowsItsEnd: false, factor: () => 1 },
  constant_with_warmup: { warmsUp: true, knowsItsEnd: false, factor: () => 1 },
  warmup_stable_decay: { warmsUp: true, knowsItsEnd: true, factor: stableDecay },
} satisfies Record<string, Schedule>;

export type ScheduleName = keyof typeof schedules;
export const scheduleNames = Object.keys(schedules) as readonly ScheduleName[];

/** The rate of each optimizer step, counted from 0. Throws RateFault where the course is undefined. */
export function learningRates(options: RateOptions): (step: number) => number {
  const { schedule, learningRate, warmupSteps } = options;
  if (schedule === "polynomial") checkPolynomial(options);
  const { warmsUp, factor }: Schedule = schedules[schedule];
  return (step) =>
    learningRate * (warmsUp && step < warmupSteps ? step / warmupSteps : factor(step, options));
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
