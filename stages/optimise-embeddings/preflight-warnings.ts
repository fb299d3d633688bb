// What is said before the steps of a training and at the first of them: rates that leave the rows where
// they are, batches that the pictures do not fill, a bad beginning, a step size that is not found.
// The trap: these are warnings; the reference trains all the same, and so does this.
import { optimizerKind } from "../../engine/optimise/optimizer.ts";
import { schedules } from "../../engine/optimise/rates.ts";
import { standardDeviation } from "../../engine/optimise/std-pull.ts";
import type { RunEvent } from "../../inversion/events.ts";
import type { BatchPlan } from "./batch-plan.ts";
import type { OptimiseOptions } from "./options.ts";
import type { Training } from "./training.ts";
import { rowsOf, type TrainingState } from "./training-state.ts";

type Rated = Pick<Training, "options" | "rate" | "batchPlan"> & {
  readonly gradient: { readonly rules: { readonly rateUnits: readonly number[] } };
};

const warning = (text: string): RunEvent => ({ event: "warning", at: Date.now(), text });

/** `horizon`: for how many steps the rates were made, where that is not the training's length. */
export const preflightWarnings = (
  training: Rated,
  state: TrainingState,
  horizon: number | null,
): readonly string[] => [
  ...slowRate(training, state),
  ...(horizon === null ? [] : risingRate(training, state, horizon)),
  ...(state.step === 0 ? unfilled(training.batchPlan, training.options) : []),
];

/** A step moves a value by at most about the rate: is that enough to learn anything? */
function slowRate(
  { options, rate, batchPlan, gradient: { rules: { rateUnits } } }: Rated,
  state: TrainingState,
): readonly string[] {
  const left = batchPlan.totalSteps - state.step;
  let reach = 0;
  for (let step = state.step; step < batchPlan.totalSteps; step++) reach += rate(step);
  if (left > 0 && reach === 0) {
    return [
      `Nothing is learned in the ${left} steps that are left: their rate is 0, as optimizer.` +
      `learning_rate ${options.optimizer.learning_rate} and lr_scheduler ${options.lr_scheduler} ` +
      "have it.",
    ];
  }
  const findsItsOwn = optimizerKind(options.optimizer.optimizer_type).stepSize !== undefined;
  if (state.step > 0 || findsItsOwn) return [];
  const encoders = rowsOf(state).map((rows, i) => ({
    most: reach * rateUnits[i],
    spread: standardDeviation(rows),
  }));
  const [{ most, spread }] = encoders.toSorted((a, b) => b.most / b.spread - a.most / a.spread);
  if (most >= 0.1 * spread) return [];
  const [moves, differ] = [most, spread].map((value) => value.toExponential(1));
  const inUnits = rateUnits.some((unit) => unit !== 1);
  return [
    `The learning rate is too small to learn anything: over all ${batchPlan.totalSteps} steps a value ` +
    `moves by at most ${moves}, and values differ by ${differ}. ` +
    `${inUnits ? "In units of the vocabulary 0.1 to 0.6" : "1e-3 to 1e-2"} is usual.`,
  ];
}

/** Past its end a cosine rises again, as in diffusers: what --extend adds is not its calm end. */
function risingRate(
  { options, rate, batchPlan }: Rated,
  { step }: TrainingState,
  horizon: number,
): readonly string[] {
  const last = batchPlan.totalSteps - 1;
  if (step > last || rate(last) <= rate(horizon)) return [];
  return [
    `The schedule (lr_scheduler ${options.lr_scheduler}) was made for ${horizon} steps: after them ` +
    `its rate rises again, to ${rate(last).toExponential(1)} in the last step.`,
  ];
}

/** Options that ask for more pictures than an epoch has. */
function unfilled(
  { fullest: { batch, batches } }: BatchPlan,
  { train_batch_size, gradient_accumulation_steps }: OptimiseOptions,
): readonly string[] {
  return [
    ...(batch === train_batch_size ? [] : [
      `train_batch_size is ${train_batch_size}, and no batch holds more than ${batch}: there are ` +
      "no more pictures of one size.",
    ]),
    ...(batches === gradient_accumulation_steps ? [] : [
      `gradient_accumulation_steps is ${gradient_accumulation_steps}, and no step has more than ` +
      `${batches}: an epoch has no more batches. As in the reference, the sum of their gradients ` +
      `is divided by ${gradient_accumulation_steps} all the same.`,
    ]),
  ];
}

/** By then Prodigy has usually found its step size, a thousand times the first or more. */
const searchSteps = 50;

/** Of an optimizer that looks for its step size and has not got anywhere. */
export function stuckStepSize(
  { options: { optimizer: { optimizer_type }, lr_warmup_steps, lr_scheduler } }: Pick<
    Training,
    "options"
  >,
  state: TrainingState,
): readonly RunEvent[] {
  const { stepSize } = optimizerKind(optimizer_type);
  const warmUp = schedules[lr_scheduler].warmsUp ? lr_warmup_steps : 0;
  if (stepSize === undefined || state.step !== warmUp + searchSteps) return [];
  const found = stepSize.of(state.optimizer);
  if (found > 10 * stepSize.first) return [];
  return [warning(
    `${optimizer_type} has not found its step size: after ${state.step} steps it is ` +
      `${found.toExponential(1)}, and it began with ${
        stepSize.first.toExponential(1)
      }, so next to ` +
      "nothing is learned. Set optimizer.learning_rate to 1, or take optimizer_type AdamW.",
  )];
}

const mostWorse = 1.05;

/** Several copies of a word are another text than the word, and often a worse one. */
export function worseThanWord(start: number, word: number): readonly RunEvent[] {
  if (start <= mostWorse * word) return [];
  return [warning(
    `The vectors begin worse than the word they begin as: their fixed-input loss is ` +
      `${start.toFixed(5)}, and ${word.toFixed(5)} with the word once in their place. Training ` +
      "repairs that, and a short one has less time for it: fewer vectors (num_vectors), " +
      "initializer_rest mean or end, or an initial_phrase begin better.",
  )];
}
