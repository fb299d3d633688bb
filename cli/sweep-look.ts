// `sweep list` and `sweep show`: the sweeps of a folder and the leaderboard of one. The trap: people look
// often, so nothing that trains is loaded here.
import { Effect } from "effect";
import { type Board, boardsOf, sweepsOf } from "../fleet/boards.ts";
import type { Fleet } from "../fleet/connection.ts";
import type { Leaderboard } from "../fleet/leaderboard.ts";
import { withTables } from "../fleet/open-tables.ts";
import { endSweep, seesWinners } from "../fleet/sweep-end.ts";
import type { StoredSweep } from "../fleet/tables.ts";
import { lacksWinners } from "../fleet/winner-files.ts";
import { type Fault, fault } from "../lib/fault.ts";
import { nearest } from "../lib/nearest.ts";
import { tryPromise } from "../lib/try-promise.ts";
import type { Options, Terminal } from "./command.ts";
import { baseOf, fleetOf } from "./fleet-options.ts";
import { boardJson, leaderboardCsv, leaderboardLines, sweepListLines } from "./sweep-text.ts";

export type Act = (
  target: string,
  options: Options,
  terminal: Terminal,
) => Effect.Effect<void, Fault>;

export class NoSuchSweep extends fault("NoSuchSweep", "user") {}

const noSuch = ({ base }: Fleet, found: string, names: readonly string[]) => {
  const near = nearest(found, names);
  return new NoSuchSweep({
    wanted: `a sweep of ${base} (${names.join(", ") || "there is none"})`,
    found,
    fix: near === undefined ? "`sweep list` lists them." : `Did you mean ${near}?`,
  });
};

/** The sweep of a name. */
export const find = (fleet: Fleet, name: string): Effect.Effect<StoredSweep, Fault> =>
  Effect.gen(function* () {
    const all = yield* sweepsOf(fleet);
    const sweep = all.find((each) => each.name === name);
    return sweep ?? (yield* noSuch(fleet, name, all.map((each) => each.name)));
  });

const list: Act = (_target, options, { print }) =>
  Effect.gen(function* () {
    const fleet = yield* fleetOf(yield* baseOf(options), options);
    const boards = yield* boardsOf(fleet);
    if (options.json === true) print(boardJson(boards.map(({ board }) => board)));
    else if (boards.length === 0) {
      print(`There are no sweeps in ${fleet.shared ? fleet.shown : fleet.base}.`);
    } else sweepListLines(boards).forEach(print);
  });

/** Which of its losses do not compare. */
export const notesOn = ({ rows }: Leaderboard): Effect.Effect<readonly string[], Fault> =>
  tryPromise(async () =>
    (await import("../observe/reading/measured-trials.ts")).incomparableTrials(rows)
  );

/** The folder of runs of a sweep: that of this machine moves with its database. */
export const runsFolder = ({ base, shared }: Fleet, { plan }: StoredSweep): string =>
  shared ? plan.base : base;

/**
 * Does what the process that ended it could not do, as far as the runs are here; what came of it. Who may only
 * read is told and sees the rest.
 */
const winnersNow = (fleet: Fleet, { sweep, board }: Board): Effect.Effect<readonly string[]> =>
  Effect.gen(function* () {
    const base = runsFolder(fleet, sweep);
    if (sweep.state !== "done" || !(yield* lacksWinners(base, board))) return [];
    if (!(yield* seesWinners(board))) {
      return [`The winner is not in ${base}: sweep run ${sweep.plan.file} --blobs DIR brings it.`];
    }
    const { runFiles } = yield* tryPromise(() => import("./run-files.ts"));
    return yield* withTables(fleet, () => endSweep(base, sweep, board, runFiles));
  }).pipe(
    Effect.catch(({ message }) => Effect.succeed([`The winner is not copied: ${message}`])),
  );

const show: Act = (name, options, { print }) =>
  Effect.gen(function* () {
    const fleet = yield* fleetOf(yield* baseOf(options), options);
    const [found] = yield* boardsOf(fleet, (each) => each === name);
    if (found === undefined) {
      return yield* noSuch(fleet, name, (yield* sweepsOf(fleet)).map((each) => each.name));
    }
    if (options.json === true) print(boardJson(found.board));
    else if (options.csv === true) leaderboardCsv(found.board).forEach(print);
    else {
      leaderboardLines(found.board).forEach(print);
      (yield* notesOn(found.board)).forEach((line) => print(line));
      (yield* winnersNow(fleet, found)).forEach((line) => print(`  ${line}`));
    }
  });

export const sweepLooks = { list, show } satisfies Record<string, Act>;
