// Warns before a training that cannot learn: a rate so small that the rows stay where they are.
import { standardDeviation } from "../../engine/optimise/std-pull.ts";
import type { Training } from "./train.ts";
import { rowsOf, type TrainingState } from "./training-state.ts";

/** AdamW moves a value by at most about the rate in each step: is that enough to learn anything? */
export function slowRate(
  { options, rate, course }: Training,
  state: TrainingState,
): string | null {
  if (options.optimizer.optimizer_type !== "AdamW") return null;
  let reach = 0;
  for (let step = 0; step < course.totalSteps; step++) reach += rate(step);
  const spread = Math.min(...rowsOf(state).map(standardDeviation));
  return reach >= 0.1 * spread
    ? null
    : `The learning rate is too small to learn anything: over all ${course.totalSteps} steps a value ` +
      `moves by at most ${reach.toExponential(1)}, and values differ by ${
        spread.toExponential(1)
      }. ` +
      "1e-3 to 1e-2 is usual.";
}
