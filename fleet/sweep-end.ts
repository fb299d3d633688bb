// What is left to do when a sweep has ended: the winner's file, and with `keep: best` the checkpoints of those
// that lost go. The process that ends the workflow does it where it sees the runs; else whoever looks next.
// The trap: it may be done twice, or by two at once, so all of it comes to the same when it is done again.
import { existsSync } from "node:fs";
import { Context, Effect } from "effect";
import type { Fault } from "../lib/fault.ts";
import { savedStep } from "../runtime/run-folder/state.ts";
import { boardOf, type Leaderboard, winners } from "./leaderboard.ts";
import { type StoredSweep, Tables } from "./tables.ts";
import { type CopyEmbedding, writeWinners } from "./winner-files.ts";

/** What a sweep does with files that only its app knows. */
export interface RunFiles {
  readonly copyEmbedding: CopyEmbedding;
  /** Removes the checkpoints of the run in a folder, as if it had been asked to keep none. */
  readonly dropCheckpoints: (dir: string) => Effect.Effect<void, Fault>;
}

/** Null: who ends the workflow leaves the runs alone. */
export const RunFiles = Context.Reference<RunFiles | null>("gnomic/fleet/RunFiles", {
  defaultValue: () => null,
});

/** Whose checkpoints go: those that were trained to their end, or lost a halving, where another won. */
const losers = (board: Leaderboard) => {
  const won = winners(board);
  const [trials, groups] = [
    new Set(won.map(({ trial }) => trial)),
    new Set(won.map(({ group }) => group)),
  ];
  return board.rows.filter(({ trial, group, state }) =>
    groups.has(group) && !trials.has(trial) && (state === "done" || state === "lost")
  );
};

/** The folders of runs that other sweeps count on: one that is not over has them, or they won there. */
const wantedElsewhere = ({ name }: StoredSweep) =>
  Effect.gen(function* () {
    const tables = yield* Tables;
    const others = (yield* tables.sweeps).filter((each) => each.name !== name);
    const wanted = yield* Effect.forEach(others, (sweep) =>
      Effect.map(boardOf(tables, sweep), ({ board }) =>
        sweep.state === "done" ? winners(board) : board.rows));
    return new Set(
      wanted.flat().map(({ run }) =>
        run
      ),
    );
  });

/** Writes the winners' files into the folder `base` and prunes; the files. */
export const endSweep = (
  base: string,
  sweep: StoredSweep,
  board: Leaderboard,
  { copyEmbedding, dropCheckpoints }: RunFiles,
) =>
  Effect.gen(function* () {
    const files = yield* writeWinners(base, board, copyEmbedding);
    if (sweep.plan.keep === "best") {
      const wanted = yield* wantedElsewhere(sweep);
      const lost = losers(board).filter(({ run }) => !wanted.has(run) && existsSync(run));
      yield* Effect.forEach(lost, ({ run }) => dropCheckpoints(run), { discard: true });
    }
    return files;
  });

/** Whether all that won are in their folder here, as far as they were trained: what is here may be an old copy. */
export const seesWinners = (board: Leaderboard): Effect.Effect<boolean> =>
  Effect.map(
    Effect.forEach(winners(board), ({ checkpoint, run, step }) =>
      checkpoint === null
        ? Effect.succeed(true)
        : Effect.map(savedStep(run), (saved) =>
          existsSync(checkpoint) && (saved ?? -1) >= step)),
    (seen) =>
      !seen.includes(false),
  );

/** As the workflow ends; what keeps this process from it does not keep the sweep from its end. */
export const endHere = (sweep: StoredSweep) =>
  Effect.gen(function* () {
    const files = yield* RunFiles;
    if (files === null) return;
    const ended = { ...sweep, state: "done" } as const;
    const { board } = yield* boardOf(yield* Tables, ended);
    if (!(yield* seesWinners(board))) return;
    yield* Effect.ignore(endSweep(sweep.plan.base, ended, board, files));
  });
