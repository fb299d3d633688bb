// What a sweep decides, as pure functions of its plan and its stored results: who goes on from a rung, who
// is called back, whether the budget lets another training begin.
// The trap: only results decide, never time or order of arrival, so a replay decides the same.
import { calledBack, goingOn } from "../sweep/halving.ts";
import type { Scored } from "../sweep/ranking.ts";
import type { PlannedSweep } from "./planned-sweep.ts";
import { isReached } from "./segment-outcome.ts";
import type { StoredResult } from "./tables.ts";

/** The values of those that were to reach a rung. */
export const scoresAt = (
  { trials }: PlannedSweep,
  results: readonly StoredResult[],
  until: number,
): readonly Scored[] =>
  results.filter((each) => each.until === until).map(({ trial, outcome }) => ({
    trial,
    group: trials.find(({ number }) => number === trial)!.group,
    loss: isReached(outcome) ? outcome.loss : null,
  }));

const reachedAt = (results: readonly StoredResult[], until: number) =>
  new Set(
    results.flatMap((each) => each.until === until && isReached(each.outcome) ? [each.trial] : []),
  );

/** Who goes on from a rung: those that reached it and are among the best. */
export function decideRung(
  plan: PlannedSweep,
  results: readonly StoredResult[],
  until: number,
): readonly number[] {
  const reached = reachedAt(results, until);
  return goingOn(scoresAt(plan, results, until), plan.factor).filter((each) => reached.has(each));
}

/** Who goes to the end: those that won every rung, and `more` of those that lost one. */
export function decideEnd(
  plan: PlannedSweep,
  results: readonly StoredResult[],
  through: readonly number[],
  more: number,
): readonly number[] {
  const rungs = plan.rungs.map((until) => {
    const reached = reachedAt(results, until);
    return scoresAt(plan, results, until).filter(({ trial }) => reached.has(trial));
  });
  return [...through, ...calledBack(rungs, through, more)].toSorted((a, b) => a - b);
}

/** Whether what came of trainings may keep others from beginning. */
export const isLimited = ({ budget, stopAfterFailures }: PlannedSweep): boolean =>
  stopAfterFailures !== null || budget.hours !== null || budget.steps !== null;

/** Why no other training begins; null: one may. */
export function refusal(
  plan: PlannedSweep,
  results: readonly StoredResult[],
  next: { readonly trial: number; readonly until: number | null },
  hours: number,
): string | null {
  const failed =
    results.filter(({ outcome }) => outcome.outcome === "failed" || outcome.outcome === "poisoned")
      .length;
  if (plan.stopAfterFailures !== null && failed >= plan.stopAfterFailures) {
    return `${failed} trainings failed (stop_after_failures)`;
  }
  if (plan.budget.hours !== null && hours >= plan.budget.hours) {
    return `${plan.budget.hours} hours are over (budget.hours)`;
  }
  if (plan.budget.steps !== null) {
    const steps = new Map<number, number>();
    for (const { trial, outcome } of results) {
      if (isReached(outcome)) steps.set(trial, Math.max(steps.get(trial) ?? 0, outcome.step));
    }
    const end = next.until ?? plan.trials.find(({ number }) => number === next.trial)?.steps ?? 0;
    steps.set(next.trial, Math.max(steps.get(next.trial) ?? 0, end));
    const all = [...steps.values()].reduce((sum, each) => sum + each, 0);
    if (all > plan.budget.steps) return `${plan.budget.steps} steps are spent (budget.steps)`;
  }
  return null;
}
