// What a sweep leaves beside its runs: the winner's embedding as OUTPUT/SWEEP/best.safetensors, one for each
// group, with its trial in the metadata. The trap: they are meant to be shown, so of a path that a trial
// sets only its last part stands in name and metadata.
import { readdir, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { Effect } from "effect";
import { makeFolder } from "../lib/atomic-write.ts";
import type { Fault } from "../lib/fault.ts";
import { safeStem } from "../lib/file-stem.ts";
import { readHeader } from "../lib/safetensors/safetensors-header.ts";
import { sha256 } from "../lib/sha256.ts";
import { tryPromise } from "../lib/try-promise.ts";
import { groupOf } from "../sweep/ranking.ts";
import { type Leaderboard, type LeaderboardRow, winners } from "./leaderboard.ts";
import { shownOverrides } from "./shown-trial.ts";

/** Copies an embedding and adds to its metadata. */
export type CopyEmbedding = (
  from: string,
  to: string,
  metadata: Readonly<Record<string, string>>,
) => Effect.Effect<void, Fault>;

const sweepKey = "gnomic.sweep";
const trialKey = "gnomic.trial";

const slug = (text: string) => text.replace(/[^A-Za-z0-9_.-]+/g, "_").replace(/^_+|_+$/g, "");

const longest = 100;

/** The file of a winner, in the sweep's folder. */
export const winnerName = ({ per, rows }: Leaderboard, row: LeaderboardRow): string => {
  if (per.length === 0) return "best.safetensors";
  const stemOf = (row: LeaderboardRow) => slug(groupOf({ overrides: shownOverrides(row) }, per));
  const stem = stemOf(row);
  // Of two groups that differ in other letters than these, neither may take the other's file.
  const isShared = rows.some((other) =>
    other.group !== row.group && stemOf(other).toLowerCase() === stem.toLowerCase()
  );
  if (stem !== "" && stem.length <= longest && !isShared) return `best-${stem}.safetensors`;
  const digest = sha256(row.group).slice(0, 8);
  return `best-${stem === "" ? "" : `${stem.slice(0, longest)}-`}${digest}.safetensors`;
};

/** Where a sweep's winners are. */
export const sweepFolder = (base: string, sweep: string): string => join(base, safeStem(sweep));

const metadataOf = (sweep: string, row: LeaderboardRow): Readonly<Record<string, string>> => ({
  [sweepKey]: sweep,
  [trialKey]: JSON.stringify({
    number: row.trial,
    name: row.name,
    overrides: shownOverrides(row),
    loss: row.loss,
    step: row.lossStep,
    run: row.run.split(/[\\/]/).at(-1),
  }),
});

/** What is to be copied to where, and what it says of its trial. */
const winnerFiles = (base: string, board: Leaderboard) =>
  winners(board).flatMap((row) =>
    row.checkpoint === null ? [] : [{
      from: row.checkpoint,
      to: join(sweepFolder(base, board.sweep), winnerName(board, row)),
      metadata: metadataOf(board.sweep, row),
    }]
  );

/** Writes them; their paths. */
export const writeWinners = (
  base: string,
  board: Leaderboard,
  copy: CopyEmbedding,
): Effect.Effect<readonly string[], Fault> =>
  Effect.gen(function* () {
    const found = winnerFiles(base, board);
    if (found.length > 0) yield* makeFolder(sweepFolder(base, board.sweep));
    return yield* Effect.forEach(
      found,
      ({ from, to, metadata }) => Effect.as(copy(from, to, metadata), to),
    );
  });

/** What a file says of itself; undefined: nothing, or there is no file. */
const saidIn = (file: string, key: string): Effect.Effect<string | undefined> =>
  Effect.orElseSucceed(
    Effect.tryPromise(async () => (await readHeader(file)).metadata[key]),
    () => undefined,
  );

/** Removes what was written of a sweep; what else somebody keeps in its folder stays. */
export const removeWinners = (base: string, sweep: string): Effect.Effect<void, Fault> =>
  Effect.gen(function* () {
    const folder = sweepFolder(base, sweep);
    const names = yield* Effect.promise(() => readdir(folder).catch((): string[] => []));
    for (const file of names.map((name) => join(folder, name))) {
      if ((yield* saidIn(file, sweepKey)) === sweep) yield* tryPromise(() => rm(file));
    }
    yield* Effect.promise(() => rmdir(folder).catch(() => {}));
  });

/** Whether a winner's file is still to be written: there is none, or it is of who won before. */
export const lacksWinners = (base: string, board: Leaderboard): Effect.Effect<boolean> =>
  Effect.map(
    Effect.forEach(
      winnerFiles(base, board),
      ({ to, metadata }) =>
        Effect.map(saidIn(to, trialKey), (trial) => trial !== metadata[trialKey]),
    ),
    (lacking) => lacking.includes(true),
  );
