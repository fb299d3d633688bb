// Whether a planned sweep is one that the tables have, by its content, which its digest stands for; else it is
// put there.
// The trap: a name says nothing, since its file may have been changed; the new content gets a name of its own.
// And who asks for a free one may not be alone.
import { Effect } from "effect";
import type { Fleet } from "../fleet/connection.ts";
import { withTables } from "../fleet/open-tables.ts";
import type { PlannedSweep } from "../fleet/planned-sweep.ts";
import type { BegunRun, StoredSweep, Tables } from "../fleet/tables.ts";
import type { Fault } from "../lib/fault.ts";

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

const compared = [
  "pipeline",
  "config",
  "base",
  "by",
  "at",
  "per",
  "rungs",
  "factor",
  "budget",
  "parallel",
  "priority",
  "attempts",
  "stopAfterFailures",
  "keep",
] as const;

/** What differs between two sweeps of one name, for people. */
export function differences(before: PlannedSweep, after: PlannedSweep): string {
  const [had, has] = [varied(before), varied(after)];
  const keys = compared.filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]))
    .map((key) => `${key} ${JSON.stringify(before[key])} -> ${JSON.stringify(after[key])}`);
  const came = [...has].filter((each) => !had.has(each)).length;
  const went = [...had].filter((each) => !has.has(each)).length;
  const trials = came + went === 0 ? [] : [`${came} trials more and ${went} less`];
  return [...keys, ...trials].join(", ") || "what its configuration means";
}

/** Puts it into the tables unless they have it; its name there. `placed` is told each name that is tried. */
export const enterSweep = (
  fleet: Fleet,
  sweep: PlannedSweep,
  placed: (place: ReturnType<typeof placeOf>) => void,
  begunRuns: (named: PlannedSweep) => Effect.Effect<readonly BegunRun[], unknown, Tables>,
): Effect.Effect<string, Fault> =>
  withTables(fleet, (tables) =>
    Effect.gen(function* () {
      for (;;) {
        const place = placeOf(sweep, yield* tables.sweeps);
        const named = { ...sweep, name: place.name };
        placed(place);
        // With it, since anybody may begin one of them then.
        if (yield* tables.submit(named, yield* begunRuns(named))) return place.name;
      }
    }));
