// The sweeps of a folder for the page: the leaderboards that `sweep show` prints, with each trial's run as
// the page knows it. The trap: a board names folders of whoever planned it, so a run counts only if it is one
// of those that the page shows, and what is sent of the others is no path.
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import process from "node:process";
import { Effect } from "effect";
import type { Board } from "../../fleet/boards.ts";
import type { Fleet } from "../../fleet/connection.ts";
import { fleetFile } from "../../fleet/fleet-files.ts";
import type { Leaderboard, LeaderboardRow } from "../../fleet/leaderboard.ts";
import { kindOf } from "../../lib/plain-files.ts";
import { overridesText, splitOverrides } from "../../sweep/trials.ts";
import { ask } from "../edge.ts";
import { incomparableTrials } from "./measured-trials.ts";
import type { RunFolder } from "./run-folders.ts";

export interface SweepRow
  extends Omit<LeaderboardRow, "run" | "checkpoint" | "overrides" | "places"> {
  /** What the trial varies, as `sweep show` prints it. */
  readonly varies: string;
  /** The id of its run; null: it is not among the runs of the page. */
  readonly run: string | null;
  /** Absolute, for paths to copy; null where `run` is. */
  readonly checkpoint: string | null;
}

export interface SweepView extends Omit<Leaderboard, "rows"> {
  /** The path of its folder below the one that is shown, and its name; fit for addresses. */
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly rows: readonly SweepRow[];
  /** Which losses do not compare though they are ranked together, for people. */
  readonly incomparable: readonly string[];
}

export interface ListedSweep extends Omit<SweepView, "rows" | "per" | "rungs" | "incomparable"> {
  readonly trials: number;
  /** How many trials are in each state. */
  readonly states: Readonly<Partial<Record<LeaderboardRow["state"], number>>>;
  /** The lowest loss so far. */
  readonly loss: number | null;
}

interface Found {
  readonly fleet: Fleet;
  readonly board: Board;
  readonly id: string;
}

/** Where sweeps may be kept: the folder that is shown, and those below it in which runs lie. */
const basesOf = (root: string, runs: readonly RunFolder[]): readonly string[] =>
  runs.some(({ dir }) => dir === root)
    ? []
    : [...new Set([root, ...runs.map(({ dir }) => dirname(dir))])];

const keepsSweeps = async (base: string): Promise<boolean> =>
  await kindOf(fleetFile(base)) !== null;

/** Loads nothing of the fleet where there is none. */
async function findSweeps(
  root: string,
  runs: readonly RunFolder[],
  wanted?: (id: string) => boolean,
): Promise<readonly Found[]> {
  const shared = Boolean(process.env.GNOMIC_FLEET);
  const all = basesOf(root, runs);
  const kept = shared ? all.map((base) => base === root) : await Promise.all(all.map(keepsSweeps));
  const bases = all.filter((_, i) => kept[i]);
  if (bases.length === 0) return [];
  const [{ fleetAt }, { boardsOf }] = await Promise.all([
    import("../../fleet/connection.ts"),
    import("../../fleet/boards.ts"),
  ]);
  const found = await Promise.all(bases.map(async (base) => {
    const below = relative(root, base).split(sep).filter((part) => part !== "");
    const idOf = (name: string) => [...below, name].join("~");
    const look = Effect.flatMap(fleetAt(base), (fleet) =>
      Effect.map(
        boardsOf(fleet, (name) => wanted === undefined || wanted(idOf(name))),
        (boards) => boards.map((board) => ({ fleet, board, id: idOf(board.sweep.name) })),
      ));
    return await ask(look);
  }));
  return found.flat();
}

const headOf = ({ id, board: { sweep, board } }: Found) => {
  const { sweep: name, state, by, at, per, rungs } = board;
  return { id, sweep: name, state, by, at, per, rungs, startedAt: sweep.startedAt };
};

/** All sweeps of the folder `root`, of which `runs` are the runs. Rejects with a fault. */
export async function listSweeps(
  root: string,
  runs: readonly RunFolder[],
): Promise<readonly ListedSweep[]> {
  const found = await findSweeps(resolve(root), runs);
  return found.map((each) => {
    const { per: _, rungs: _1, ...head } = headOf(each);
    const { rows } = each.board.board;
    const losses = rows.flatMap(({ loss }) => loss === null ? [] : [loss]);
    return {
      ...head,
      trials: rows.length,
      states: Object.fromEntries(
        [...Map.groupBy(rows, ({ state }) => state)].map(([state, all]) => [state, all.length]),
      ),
      loss: losses.length === 0 ? null : Math.min(...losses),
    };
  });
}

/** The sweep with this id; undefined where there is none. Rejects with a fault. */
export async function viewSweep(
  root: string,
  runs: readonly RunFolder[],
  id: string,
): Promise<SweepView | undefined> {
  const [found] = await findSweeps(resolve(root), runs, (each) => each === id);
  if (found === undefined) return undefined;
  const { fleet, board: { board } } = found;
  const shown = new Map(runs.map((run) => [run.dir, run]));
  // A folder that was moved keeps its runs; a shared database tells of many folders.
  const folderOf = (run: string) => fleet.shared ? resolve(run) : join(fleet.base, basename(run));
  const rows = board.rows.map(({ run, ...row }) => ({ ...row, folder: shown.get(folderOf(run)) }));
  const { varied } = splitOverrides(board.rows.map(({ overrides }) => overrides));
  return {
    ...headOf(found),
    incomparable: await incomparableTrials(
      rows.map(({ folder, ...row }) => ({ ...row, run: folder?.dir ?? null })),
    ),
    rows: rows.map(({ folder, checkpoint, overrides: _1, places: _2, ...row }, i) => ({
      ...row,
      varies: overridesText(varied[i]),
      run: folder?.id ?? null,
      checkpoint: folder === undefined || checkpoint === null
        ? null
        : join(folder.dir, basename(checkpoint)),
    })),
  };
}
