// Whether a planned sweep is one that the tables have: by its content, which its digest stands for.
// The trap: a name says nothing, since its file may have been changed; the new content gets a name of its own.
import type { PlannedSweep } from "../fleet/planned-sweep.ts";
import type { StoredSweep } from "../fleet/tables.ts";

/** The sweep of this content, or the free name for a new one and what the other has otherwise. */
export const placeOf = (plan: PlannedSweep, all: readonly StoredSweep[]) => {
  const same = all.find((each) => each.plan.digest === plan.digest);
  if (same !== undefined) return { name: same.name, other: null };
  const other = all.find(({ name }) => name === plan.name);
  return other === undefined
    ? { name: plan.name, other: null }
    : { name: `${plan.name}-${plan.digest.slice(0, 8)}`, other };
};

const varied = ({ trials }: PlannedSweep) =>
  new Set(trials.map(({ overrides }) => JSON.stringify(overrides)));

/** What differs between two sweeps of one name, for people. */
export function differences(before: PlannedSweep, after: PlannedSweep): string {
  const [had, has] = [varied(before), varied(after)];
  const keys = (["pipeline", "config", "by", "at", "rungs", "factor", "keep", "budget"] as const)
    .filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]))
    .map((key) => `${key} ${JSON.stringify(before[key])} -> ${JSON.stringify(after[key])}`);
  const came = [...has].filter((each) => !had.has(each)).length;
  const went = [...had].filter((each) => !has.has(each)).length;
  const trials = came + went === 0 ? [] : [`${came} trials more and ${went} less`];
  return [...keys, ...trials].join(", ") || "what its configuration means";
}
