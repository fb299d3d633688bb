// Which losses of a leaderboard do not compare with the best one's of their group, though they are ranked
// with it: a sweep over seeds or sizes measures each of them on something else.
// The trap: runs may lie on other machines, or be gone; of those nothing is known, and nothing said.
import type { MeasuredOn } from "../../inversion/measured-on.ts";
import { firstFew } from "../../lib/first-few.js";
import { unlike } from "./measured-alike.js";
import { measuredIn } from "./measured-in.ts";

export interface RankedTrial {
  readonly trial: number;
  readonly group: string;
  readonly loss: number | null;
  /** Its run's folder; null: not here. */
  readonly run: string | null;
}

interface Known extends RankedTrial {
  readonly on: MeasuredOn;
}

async function knownOf(rows: readonly RankedTrial[]): Promise<readonly Known[]> {
  const all = await Promise.all(
    rows.filter(({ loss }) => loss !== null).map(async (row) => ({
      ...row,
      on: row.run === null ? null : await measuredIn(row.run),
    })),
  );
  return all.filter((row): row is Known => row.on !== null);
}

const named = (rows: readonly Known[]): string => {
  const numbers = rows.map(({ trial }) => trial).toSorted((a, b) => a - b);
  return `${numbers.length === 1 ? "Trial" : "Trials"} ${firstFew(numbers.map(String), 8)}`;
};

/** For people, a line for each way of measuring; `rows` in the order of their ranks. */
export async function incomparableTrials(
  rows: readonly RankedTrial[],
): Promise<readonly string[]> {
  const groups = Map.groupBy(await knownOf(rows), ({ group }) => group);
  return [...groups.values()].flatMap(([best, ...others]) => {
    const found = unlike(others.map(({ on }) => on), best.on);
    return found.map(({ places, reason }) =>
      `${
        named(places.map((place) => others[place]))
      }: not measured as trial ${best.trial}, so these losses do not compare (${reason}).`
    );
  });
}
