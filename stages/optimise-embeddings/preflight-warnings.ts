// What is said before the steps of a training: rates that leave the rows where they are, and batches that
// the pictures do not fill.
// The trap: these are warnings; the reference trains all the same, and so does this.
import { standardDeviation } from "../../engine/optimise/std-pull.ts";
import type { BatchPlan } from "./batch-plan.ts";
import type { OptimiseOptions } from "./options.ts";
import type { Training } from "./train.ts";
import { rowsOf, type TrainingState } from "./training-state.ts";

type Rated = Pick<Training, "options" | "rate" | "batchPlan">;

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

/** AdamW moves a value by at most about the rate in each step: is that enough to learn anything? */
function slowRate(
  { options, rate, batchPlan }: Rated,
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
  if (state.step > 0 || options.optimizer.optimizer_type !== "AdamW") return [];
  const spread = Math.min(...rowsOf(state).map(standardDeviation));
  if (reach >= 0.1 * spread) return [];
  const [most, differ] = [reach, spread].map((value) => value.toExponential(1));
  return [
    `The learning rate is too small to learn anything: over all ${batchPlan.totalSteps} steps a value ` +
    `moves by at most ${most}, and values differ by ${differ}. 1e-3 to 1e-2 is usual.`,
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
