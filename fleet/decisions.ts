// What a sweep decides, as pure functions of its plan and its stored results: who goes on from a rung, who
// is called back, whether the budget lets another training begin.
// The trap: only results decide, never time or order of arrival, so a replay decides the same.
import { calledBack, goingOn } from "../sweep/halving.ts";
import type { Scored } from "../sweep/ranking.ts";
import type { PlannedSweep } from "./planned-sweep.ts";
import { isReached } from "./segment-outcome.ts";
import type { StoredResult } from "./tables.ts";

/** The values of those that were to reach a rung. */
const scoresAt = (
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

interface Next {
  readonly trial: number;
  readonly until: number | null;
  /** All that train to that step, this one included. */
  readonly going: readonly number[];
}

const stage = (until: number | null) => until ?? Infinity;

/**
 * Whether the steps last, had all before it in `going` reached theirs: they may be waiting or running yet, and
 * which of them are done hangs on who was faster.
 */
function lasts(
  { trials }: PlannedSweep,
  results: readonly StoredResult[],
  { trial: next, until, going }: Next,
  steps: number,
): boolean {
  const spent = new Map<number, number>();
  for (const { trial, until: at, outcome } of results) {
    if (!isReached(outcome) || going.includes(trial) && stage(at) >= stage(until)) continue;
    spent.set(trial, Math.max(spent.get(trial) ?? 0, outcome.step));
  }
  let sum = [...spent.values()].reduce((all, each) => all + each, 0);
  for (const trial of going) {
    const end = until ?? trials.find(({ number }) => number === trial)?.steps ?? 0;
    const more = Math.max(0, end - (spent.get(trial) ?? 0));
    const fits = sum + more <= steps;
    if (trial === next) return fits;
    if (fits) sum += more;
  }
  return true;
}

/** Whether what came of trainings may keep others from beginning. */
export const isLimited = ({ budget, stopAfterFailures }: PlannedSweep): boolean =>
  stopAfterFailures !== null || budget.hours !== null || budget.steps !== null;

/** Why no other training begins; null: one may. */
export function refusal(
  plan: PlannedSweep,
  results: readonly StoredResult[],
  next: Next,
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
  const { steps } = plan.budget;
  return steps === null || lasts(plan, results, next, steps)
    ? null
    : `${steps} steps are spent (budget.steps)`;
}
