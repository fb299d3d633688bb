// A sweep's leaderboard from what the tables hold of it now.
// The trap: results and runs are asked one after the other, so a run may be further than its result says.
import { Effect } from "effect";
import { leaderboard } from "./leaderboard.ts";
import type { StoredSweep, Tables } from "./tables.ts";

/** With the results that it was made from. */
export const boardOf = (tables: Tables["Service"], sweep: StoredSweep) =>
  Effect.gen(function* () {
    const results = yield* tables.results(sweep.name);
    return { results, board: leaderboard(sweep, results, yield* tables.runs(sweep.name)) };
  });
