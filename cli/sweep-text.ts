// What `sweep` prints: the leaderboard as a table, as CSV, and the list of sweeps.
import type { Leaderboard, LeaderboardRow } from "../fleet/leaderboard.ts";
import type { StoredSweep } from "../fleet/tables.ts";
import { shownMessage, shownOverrides } from "../fleet/shown-trial.ts";
import { lastPart } from "../lib/without-folders.ts";
import { type Overrides, overridesText, splitOverrides } from "../sweep/trials.ts";
import { plainText } from "./plain-text.ts";
import { lossText } from "./quantity.ts";
import { table } from "./table.ts";

const duration = (seconds: number) =>
  seconds < 90 ? `${Math.round(seconds)} s` : `${(seconds / 60).toFixed(1)} min`;

const what = ({ name, trial }: LeaderboardRow, varied: Overrides) => {
  const text = overridesText(varied);
  return name === String(trial) ? text : `${name} ${text}`.trimEnd();
};

/** As programs read it; where a trial's configuration has its places is for who shows values without folders. */
export const boardJson = (board: unknown): string =>
  JSON.stringify(board, (key, value) => key === "places" ? undefined : value);

export function leaderboardLines(board: Leaderboard): readonly string[] {
  const { sweep, state, by, at, rows } = board;
  const { varied } = splitOverrides(rows.map(({ overrides }) => overrides));
  const head = ["rank", "trial", "varies", "loss", "at step", "steps", "time", "machine", "state"];
  const lines = table([
    head,
    ...rows.map((row, i) => [
      row.rank === null ? "-" : String(row.rank),
      String(row.trial),
      what(row, varied[i]),
      lossText(row.loss),
      row.lossStep === null ? "-" : String(row.lossStep),
      row.steps === null ? String(row.step) : `${row.step}/${row.steps}`,
      duration(row.seconds),
      row.machine ?? "-",
      row.state,
    ]),
  ], new Set([0, 1, 3, 4, 5, 6]));
  const troubles = rows.flatMap(({ trial, state, message, differs }) => [
    ...(message === null ? [] : `trial ${trial} ${state}: ${message}`.split("\n").map(plainText)),
    ...(differs === null ? [] : [`trial ${trial}: ${differs}`]),
  ]);
  const memorising = by === "fixed_loss"
    ? ["The loss is of pictures that are trained on: it measures memorising too."]
    : [];
  return [
    `${sweep}: ${state}, ranked by ${by} (${at})`,
    ...lines,
    ...memorising,
    ...troubles,
  ];
}

const cell = (value: unknown): string => {
  const text = value === null ? "" : typeof value === "string" ? value : JSON.stringify(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

/** As it may be shown to others: without folders. */
const withoutPlaces = (row: LeaderboardRow): LeaderboardRow => ({
  ...row,
  overrides: shownOverrides(row),
  run: lastPart(row.run),
  checkpoint: row.checkpoint === null ? null : lastPart(row.checkpoint),
  message: shownMessage(row),
});

/** One line a trial; what they vary as columns of their own. */
export function leaderboardCsv({ rows }: Leaderboard): readonly string[] {
  const keys = [...new Set(rows.flatMap(({ overrides }) => Object.keys(overrides)))];
  const columns = [
    ...["rank", "trial", "name", "loss", "lossStep", "step", "steps", "seconds", "machine"],
    ...["state", "run", "checkpoint", "message", "differs"],
  ] as const;
  const lines = rows.map(withoutPlaces).map((row) => [
    ...columns.map((key) => cell(row[key as keyof LeaderboardRow])),
    ...keys.map((key) => cell(row.overrides[key] ?? null)),
  ]);
  return [[...columns, ...keys].map(cell), ...lines].map((line) => line.join(","));
}

/** The sweeps of a folder with how many of their trials are done. */
export const sweepListLines = (
  all: readonly { readonly sweep: StoredSweep; readonly board: Leaderboard }[],
): readonly string[] =>
  table([
    ["sweep", "state", "trials", "done", "failed", "best"],
    ...all.map(({ sweep, board }) => [
      sweep.name,
      sweep.state,
      String(board.rows.length),
      String(board.rows.filter(({ state }) => state === "done").length),
      String(board.rows.filter(({ state }) => state === "failed").length),
      lossText(board.rows.find(({ rank }) => rank === 1)?.loss ?? null),
    ]),
  ], new Set([2, 3, 4]));
