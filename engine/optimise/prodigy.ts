// Prodigy (Mishchenko & Defazio 2023, arXiv 2306.06101): Adam that estimates its own step size d from
// how far the gradients agree with the way already gone. Results as of prodigyopt 1.1.2. The trap: d is
// one number for all encoders, a step at rate 0 (a warm-up's first) leaves the whole state alone, and the
// way gone is its own steps alone: whoever else scales the rows must scale its start too (`scaled`), or d
// never grows.
import { Schema } from "effect";
import { pow } from "../random/exact-math.ts";
import { notNegative, type OptimizerKind, optimizerOption } from "./optimizer-kind.ts";
import { type Gradients, type Rows, scaleRows } from "./rows.ts";

/** Names as in the training configuration. */
export interface ProdigyOptions {
  readonly optimizer_type: "Prodigy";
  readonly weight_decay: number;
  readonly use_bias_correction: boolean;
  /** Leave the rate out of the estimate's denominator, so that a warm-up does not inflate d. */
  readonly safeguard_warmup: boolean;
}

export interface ProdigyState {
  readonly optimizer_type: "Prodigy";
  /** Steps taken at a rate above 0. */
  readonly step: number;
  /** The estimated step size, and the numerator of its estimate. */
  readonly d: number;
  readonly dNumerator: number;
  readonly rows: Rows;
  /** The rows before the first step, scaled by whatever scaled the rows since. */
  readonly start: Rows;
  /** Running means of d * gradient and of its square. */
  readonly expAvg: Rows;
  readonly expAvgSq: Rows;
  /** The weighted sum of gradients: the estimate's denominator is its 1-norm. */
  readonly gradientSum: Rows;
}

const FIRST_D = 1e-6;
const BETA1 = 0.9;
const BETA2 = 0.999;
const BETA3 = Math.sqrt(BETA2);
const EPSILON = 1e-8;

function startProdigy(rows: Rows): ProdigyState {
  const zeros = rows.map(({ length }) => new Float64Array(length));
  return {
    optimizer_type: "Prodigy",
    step: 0,
    d: FIRST_D,
    dNumerator: 0,
    rows,
    start: rows,
    expAvg: zeros,
    expAvgSq: zeros,
    gradientSum: zeros,
  };
}

/** In the order in which they are explained. */
const options = {
  learning_rate: optimizerOption(notNegative, {
    doc: "A factor on the rate that Prodigy finds by itself; 1 is meant.",
    default: 1,
  }),
  weight_decay: optimizerOption(notNegative, {
    doc: "How strongly the rows are pulled to zero: rows times 1 - rate * weight_decay each step.",
    default: 0,
  }),
  use_bias_correction: optimizerOption(Schema.Boolean, {
    doc: "Correct the moments' early bias to zero, as Adam does.",
    default: false,
  }),
  safeguard_warmup: optimizerOption(Schema.Boolean, {
    doc: "Leave the warm-up's small rates out of the estimate of the step size.",
    default: false,
  }),
};

/**
 * The state after one step along `gradients`; the old state stays as it is. Its rate is a factor on one d,
 * so the rates of all encoders are the first.
 */
function stepProdigy(
  state: ProdigyState,
  gradients: Gradients,
  [learningRate]: readonly number[],
  { weight_decay, use_bias_correction, safeguard_warmup }: ProdigyOptions,
): ProdigyState {
  if (!(learningRate > 0)) return state;
  const { d, start } = state;
  const correction = use_bias_correction ? biasCorrection(state.step + 1) : 1;
  const rate = d * learningRate * correction;
  const sumRate = (d / FIRST_D) * (safeguard_warmup ? d : rate);

  let agreement = 0;
  state.rows.forEach((values, group) =>
    values.forEach((value, i) => agreement += gradients[group][i] * (start[group][i] - value))
  );
  const expAvg = averaged(state.expAvg, BETA1, (group, i) => d * (1 - BETA1) * gradients[group][i]);
  const expAvgSq = averaged(state.expAvgSq, BETA2, (group, i) => {
    const gradient = gradients[group][i];
    return d * d * (1 - BETA2) * gradient * gradient;
  });
  const gradientSum = averaged(
    state.gradientSum,
    BETA3,
    (group, i) => sumRate * gradients[group][i],
  );
  let denominator = 0;
  for (const sums of gradientSum) for (const sum of sums) denominator += Math.abs(sum);
  const moments = { ...state, expAvg, expAvgSq, gradientSum };
  if (denominator === 0) return moments;

  const dNumerator = BETA3 * state.dNumerator + (d / FIRST_D) * rate * agreement;
  // Its growth is not bounded (growth_rate infinite), so d is the largest estimate so far.
  const largest = Math.max(d, dNumerator / denominator);
  const rows = state.rows.map((values, group) =>
    values.map((value, i) => {
      const spread = Math.sqrt(expAvgSq[group][i]) + largest * EPSILON;
      return value * (1 - weight_decay * rate) - rate * expAvg[group][i] / spread;
    })
  );
  return { ...moments, step: state.step + 1, d: largest, dNumerator, rows };
}

const biasCorrection = (step: number): number =>
  Math.sqrt(1 - pow(BETA2, step)) / (1 - pow(BETA1, step));

const averaged = (
  averages: Rows,
  decay: number,
  add: (group: number, i: number) => number,
): Rows => averages.map((values, group) => values.map((value, i) => decay * value + add(group, i)));

/** The start is scaled along, so that what is compared with the gradients is the way of the steps. */
const scaledProdigy = (state: ProdigyState, factors: readonly number[]): ProdigyState => ({
  ...state,
  rows: scaleRows(state.rows, factors),
  start: scaleRows(state.start, factors),
});

export const prodigy = {
  options,
  start: startProdigy,
  step: stepProdigy,
  scaled: scaledProdigy,
  stepSize: { of: ({ d }) => d, first: FIRST_D },
  arrays: ["rows", "start", "expAvg", "expAvgSq", "gradientSum"],
  scalars: ["step", "d", "dNumerator"],
} satisfies OptimizerKind<ProdigyOptions, ProdigyState>;
