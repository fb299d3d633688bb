// The leaderboard of a sweep as data: what `sweep show` and the page print. Made from the stored plan,
// results and rows alone, so it is the same from one worker and from ten.
// The trap: who came further stands before who lost a halving, whatever their losses.
import { join } from "node:path";
import { Effect } from "effect";
import { groups } from "../sweep/ranking.ts";
import type { PlannedSweep, PlannedTrial } from "./planned-sweep.ts";
import { isReached, type ReachedOutcome, type SegmentOutcome } from "./segment-outcome.ts";
import type { RunRow, StoredResult, StoredSweep, Tables } from "./tables.ts";

/** waiting: nobody trains it now, or who did is dead. lost: it paused and others went on. */
export type TrialState =
  | "waiting"
  | "training"
  | "done"
  | "lost"
  | "failed"
  | "cancelled"
  | "skipped";

export interface LeaderboardRow {
  /** In its group, from 1; null: it has no loss yet. */
  readonly rank: number | null;
  readonly trial: number;
  readonly name: string;
  readonly group: string;
  readonly overrides: PlannedTrial["overrides"];
  /** Where its configuration finds and puts things, by option; null: a sweep of before. */
  readonly places: Readonly<Record<string, string>> | null;
  readonly loss: number | null;
  /** The step that the loss is of. */
  readonly lossStep: number | null;
  readonly step: number;
  readonly steps: number | null;
  readonly seconds: number;
  readonly machine: string | null;
  readonly state: TrialState;
  /** What failed, or why it was not begun. */
  readonly message: string | null;
  /** How the machines of its run differ, in words, so that its bytes may. */
  readonly differs: string | null;
  readonly run: string;
  /** The embedding that counts, where it is. */
  readonly checkpoint: string | null;
}

export interface Leaderboard {
  readonly sweep: string;
  readonly state: StoredSweep["state"];
  readonly by: PlannedSweep["by"];
  readonly at: PlannedSweep["at"];
  readonly per: readonly string[];
  readonly rungs: readonly number[];
  readonly rows: readonly LeaderboardRow[];
}

/** What did not reach its step is tried again in each round; until then nothing holds of it. */
const holds = ({ state, round }: StoredSweep) => (result: StoredResult) =>
  isReached(result.outcome) || state !== "running" || result.round === round;

const furthest = (results: readonly StoredResult[]) =>
  results.toSorted((a, b) => (a.until ?? Infinity) - (b.until ?? Infinity)).at(-1);

const reached = (results: readonly StoredResult[]) =>
  furthest(results.filter(({ outcome }) => isReached(outcome)));

/** The checkpoint that the ranking is about: the best file, or the last. */
const checkpointOf = (
  { at }: Pick<PlannedSweep, "at">,
  { trigger }: PlannedTrial,
  outcome: SegmentOutcome | undefined,
): string | null => {
  if (outcome?.outcome !== "done") return null;
  const wanted = at === "best" ? [`${trigger}-best.safetensors`] : [];
  return [...wanted, `${trigger}.safetensors`].find((name) => outcome.files.includes(name)) ?? null;
};

/** What a trial is ranked by. At a rung that is what it is halved by, whatever was lower before. */
function valueOf({ at }: PlannedSweep, { outcome, loss, step, best }: ReachedOutcome) {
  if (outcome === "done" && at === "best") return best;
  return loss === null ? null : { loss, step };
}

function stateOf(
  sweep: StoredSweep,
  last: StoredResult | undefined,
  run: RunRow | undefined,
): TrialState {
  if (run?.isTrained === true) return "training";
  const outcome = last?.outcome.outcome;
  if (outcome === "done" || outcome === "skipped" || outcome === "cancelled") return outcome;
  if (outcome === "failed" || outcome === "poisoned") return "failed";
  if (sweep.state === "cancelled") return "cancelled";
  return outcome === "paused" && sweep.state === "done" ? "lost" : "waiting";
}

export function leaderboard(
  sweep: StoredSweep,
  results: readonly StoredResult[],
  runs: readonly RunRow[],
): Leaderboard {
  const { plan } = sweep;
  const made = plan.trials.map((trial) => {
    const mine = results.filter((each) => each.trial === trial.number);
    const run = runs.find((each) => each.trial === trial.number);
    const [last, best] = [furthest(mine.filter(holds(sweep))), reached(mine)];
    const outcome = best !== undefined && isReached(best.outcome) ? best.outcome : undefined;
    const value = outcome === undefined ? null : valueOf(plan, outcome);
    const said = last?.outcome;
    const checkpoint = checkpointOf(plan, trial, outcome);
    return {
      trial: trial.number,
      name: trial.name,
      group: trial.group,
      overrides: trial.overrides,
      places: trial.places ?? null,
      loss: value?.loss ?? null,
      lossStep: value?.step ?? null,
      step: Math.max(outcome?.step ?? 0, run?.step ?? 0),
      steps: trial.steps,
      seconds: mine.reduce(
        (sum, each) => sum + (isReached(each.outcome) ? each.outcome.seconds : 0),
        0,
      ),
      machine: run?.isTrained === true ? run.worker : outcome?.machine ?? null,
      state: stateOf(sweep, last, run),
      message: said === undefined
        ? null
        : "message" in said
        ? said.message
        : "why" in said
        ? said.why
        : null,
      differs: outcome?.differs ?? null,
      run: join(plan.base, trial.run),
      checkpoint: checkpoint === null ? null : join(plan.base, trial.run, checkpoint),
      rung: best === undefined ? -1 : best.until ?? Infinity,
    };
  });
  const rows = [...groups(made).values()].flatMap((group) => {
    const ordered = group.toSorted((a, b) => a.rung === b.rung ? 0 : b.rung > a.rung ? 1 : -1);
    return ordered.map(({ rung: _, ...row }, i) => ({
      rank: row.loss === null ? null : i + 1,
      ...row,
    }));
  });
  const { name, state } = sweep;
  const { by, at, per, rungs } = plan;
  return { sweep: name, state, by, at, per, rungs, rows };
}

/**
 * From what the tables hold of it now, with the results that it was made from. These are asked before the runs, so
 * a run may be further than its result says.
 */
export const boardOf = (tables: Tables["Service"], sweep: StoredSweep) =>
  Effect.gen(function* () {
    const results = yield* tables.results(sweep.name);
    return { results, board: leaderboard(sweep, results, yield* tables.runs(sweep.name)) };
  });

/** The best of each group that was trained to its end. */
export const winners = ({ rows }: Leaderboard): readonly LeaderboardRow[] =>
  rows.filter((row) => row.rank === 1 && row.state === "done");

const exitCodeOf = (outcome: SegmentOutcome): readonly number[] =>
  outcome.outcome === "failed"
    ? [outcome.exit ?? 70]
    : outcome.outcome === "poisoned"
    ? [70]
    : outcome.outcome === "cancelled"
    ? [130]
    : [];

/** The worst exit code among the trials: 70, 3, 2, and 130 of one that was stopped; 0 if all are well. */
export function exitCodeOfSweep(results: readonly StoredResult[]): number {
  const codes = results.flatMap(({ outcome }) => exitCodeOf(outcome));
  return [70, 3, 2, 130].find((code) => codes.includes(code)) ?? (codes.length > 0 ? 70 : 0);
}
