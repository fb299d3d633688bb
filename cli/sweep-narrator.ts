// What is said of a sweep while it runs: each result once, and how far all its trainings are.
// The trap: the database may be away for a while. What it missed then is said at the next look.
import { Effect } from "effect";
import type { Fleet } from "../fleet/connection.ts";
import { boardOf, type Leaderboard } from "../fleet/leaderboard.ts";
import { withTables } from "../fleet/open-tables.ts";
import { progressLine } from "./progress-line.ts";
import type { Screen } from "./status-line.ts";

/** Says what happens while it does, until interrupted. */
export const narrate = (
  fleet: Fleet,
  name: string,
  say: (line: string) => void,
  screen: Screen,
): Effect.Effect<never> => {
  const line = progressLine(screen);
  const told = new Set<string>();
  let first = true;
  const look = withTables(fleet, (tables) =>
    Effect.gen(function* () {
      const sweep = yield* tables.findSweep(name);
      if (sweep === null) return;
      const { results, board } = yield* boardOf(tables, sweep);
      for (const { trial, until, round, outcome } of results) {
        const key = JSON.stringify([trial, until, round, outcome]);
        if (!told.has(key) && !first) {
          line.clear();
          const loss = "loss" in outcome && outcome.loss !== null ? `, loss ${outcome.loss}` : "";
          const message = "message" in outcome ? `: ${outcome.message.split("\n").at(-1)}` : "";
          const step = "step" in outcome ? ` at step ${outcome.step}` : "";
          say(`trial ${trial} ${outcome.outcome}${step}${loss}${message}`);
        }
        told.add(key);
      }
      first = false;
      const end = (row: Leaderboard["rows"][number]) => row.steps ?? row.step;
      const total = board.rows.reduce((sum, row) => sum + end(row), 0);
      line.update(board.rows.reduce((sum, row) => sum + row.step, 0), total, "steps");
    }));
  const forever = Effect.forever(Effect.andThen(Effect.ignore(look), Effect.sleep("1 second")));
  return Effect.ensuring(forever, Effect.sync(() => line.clear()));
};
