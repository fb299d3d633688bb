// Successive halving (Jamieson and Talwalkar, "Non-stochastic Best Arm Identification", AISTATS 2016): all
// train to a first step, the best third to three times that, and so on; the last go to their end.
// The trap: a decision waits for the last of its rung, so that no timing decides. A trial that lost keeps
// its state and may be called back.
import type { Halving } from "./definition.ts";
import { groups, ranked, type Scored } from "./ranking.ts";

/** The steps at which is decided, all below `end`. */
export function rungsOf({ first, factor }: Halving, end: number): readonly number[] {
  const steps: number[] = [];
  for (let step = first; step < end; step *= factor) steps.push(step);
  return steps;
}

/** Who goes on from a rung: of each group the best of `factor`, at least one; by number. */
export const goingOn = (rung: readonly Scored[], factor: number): readonly number[] =>
  [...groups(rung).values()]
    .flatMap((group) => group.slice(0, Math.max(1, Math.floor(group.length / factor))))
    .map(({ trial }) => trial)
    .toSorted((a, b) => a - b);

/**
 * Whom `--more` calls back: of those that lost, who came furthest and was best there. `rungs` has the values
 * at each rung, `through` who went to the end.
 */
export function calledBack(
  rungs: readonly (readonly Scored[])[],
  through: readonly number[],
  more: number,
): readonly number[] {
  const seen = new Set(through);
  const next: number[] = [];
  for (const rung of rungs.toReversed()) {
    for (const { trial } of ranked(rung)) {
      if (!seen.has(trial)) next.push(trial);
      seen.add(trial);
    }
  }
  return next.slice(0, more).toSorted((a, b) => a - b);
}
