// What a sweep leaves beside its runs: the winner's embedding as OUTPUT/SWEEP/best.safetensors, one for each
// group, with its trial in the metadata.
import { join } from "node:path";
import { Effect } from "effect";
import { makeFolder } from "../lib/atomic-write.ts";
import type { Fault } from "../lib/fault.ts";
import { safeStem } from "../lib/file-stem.ts";
import { type Leaderboard, type LeaderboardRow, winners } from "./leaderboard.ts";

/** Copies an embedding and adds to its metadata. */
export type CopyEmbedding = (
  from: string,
  to: string,
  metadata: Readonly<Record<string, string>>,
) => Effect.Effect<void, Fault>;

const slug = (text: string) => text.replace(/[^A-Za-z0-9_.-]+/g, "_").replace(/^_+|_+$/g, "");

/** The file of a winner, in the sweep's folder. */
export const winnerName = ({ per }: Leaderboard, row: LeaderboardRow): string =>
  per.length === 0 ? "best.safetensors" : `best-${slug(row.group)}.safetensors`;

/** Where a sweep's winners are. */
export const sweepFolder = (base: string, sweep: string): string => join(base, safeStem(sweep));

/** What is to be copied to where. */
export const winnerFiles = (base: string, board: Leaderboard) =>
  winners(board).flatMap((row) =>
    row.checkpoint === null ? [] : [{
      row,
      from: row.checkpoint,
      to: join(sweepFolder(base, board.sweep), winnerName(board, row)),
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
    return yield* Effect.forEach(found, ({ row, from, to }) =>
      Effect.as(
        copy(from, to, {
          "gnomic.sweep": board.sweep,
          "gnomic.trial": JSON.stringify({
            number: row.trial,
            name: row.name,
            overrides: row.overrides,
            loss: row.loss,
            step: row.lossStep,
            run: row.run.split(/[\\/]/).at(-1),
          }),
        }),
        to,
      ));
  });
