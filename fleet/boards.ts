// The sweeps of a fleet as leaderboards: what `sweep list`, `sweep show` and the page look at.
// The trap: looking makes no database where there is none.
import { statSync } from "node:fs";
import { Effect } from "effect";
import { isAbsent } from "../lib/disk-fault.ts";
import type { Fault } from "../lib/fault.ts";
import type { Fleet } from "./connection.ts";
import { boardOf, type Leaderboard } from "./leaderboard.ts";
import { withTables } from "./open-tables.ts";
import type { StoredSweep } from "./tables.ts";

export interface Board {
  readonly sweep: StoredSweep;
  readonly board: Leaderboard;
}

/** Where nobody may look, the database says so itself. */
const mayBeThere = (file: string): boolean => {
  try {
    return statSync(file) !== undefined;
  } catch (error) {
    return !isAbsent(error);
  }
};

const hasSweeps = ({ shared, shown }: Fleet) => shared || mayBeThere(shown);

/** All sweeps, in the order in which they were begun. */
export const sweepsOf = (fleet: Fleet): Effect.Effect<readonly StoredSweep[], Fault> =>
  hasSweeps(fleet) ? withTables(fleet, (tables) => tables.sweeps) : Effect.succeed([]);

/** The leaderboards of all, or of those that `wanted` names. */
export const boardsOf = (
  fleet: Fleet,
  wanted: (name: string) => boolean = () => true,
): Effect.Effect<readonly Board[], Fault> =>
  !hasSweeps(fleet) ? Effect.succeed([]) : withTables(fleet, (tables) =>
    Effect.gen(function* () {
      const sweeps = (yield* tables.sweeps).filter(({ name }) => wanted(name));
      return yield* Effect.forEach(
        sweeps,
        (sweep) => Effect.map(boardOf(tables, sweep), ({ board }) => ({ sweep, board })),
      );
    }));
