// A sweep that is in the tables, run to its end in this process or waited for: what is said of it, its winners, its exit code.
// The trap: the winner's run may be on another machine; without it there is nothing to copy.
import { hostname } from "node:os";
import process from "node:process";
import { Effect } from "effect";
import type { Blobs } from "../fleet/blobs.ts";
import type { Fleet } from "../fleet/connection.ts";
import { fleetBlobs } from "../fleet/fleet-blobs.ts";
import { boardOf, exitCodeOfSweep } from "../fleet/leaderboard.ts";
import { withTables } from "../fleet/open-tables.ts";
import { bringRuns } from "../fleet/runs-of-sweep.ts";
import { endSweep, RunFiles, seesWinners } from "../fleet/sweep-end.ts";
import { runToEnd } from "../fleet/sweep-session.ts";
import { trainInChild } from "../fleet/train-child.ts";
import { type Fault, fault, Stopped } from "../lib/fault.ts";
import { sameCommand } from "../runtime/platform/runtime.ts";
import type { Options, Terminal } from "./command.ts";
import { presenceOf } from "./fleet-presence.ts";
import { fitsAlone } from "./fits-here.ts";
import { wholeNumber } from "./option-reader.ts";
import { plainText } from "./plain-text.ts";
import { runFiles } from "./run-files.ts";
import { threadsOfEach } from "./slots-here.ts";
import { untilStopped } from "./stopping.ts";
import { find, notesOn, runsFolder } from "./sweep-look.ts";
import { narrate } from "./sweep-narrator.ts";
import { boardJson, leaderboardLines } from "./sweep-text.ts";

export class WinnerAway extends fault("WinnerAway", "user") {}

const silentSeconds = 1800;

/** Where runs travel through; null: they stay where they are. */
export const blobsOf = (fleet: Fleet, { blobs }: Options): Effect.Effect<Blobs | null, Fault> =>
  blobs === undefined ? Effect.succeed(null) : fleetBlobs(fleet, String(blobs));

/** Whose run is not in the folder, or only as it was before its end. */
const winnerIsAway = ({ base, shared }: Fleet, name: string, blobs: Blobs | null) =>
  new WinnerAway({
    file: base,
    wanted: "the winner's run, as it was trained",
    ...(blobs !== null
      ? {
        found: "none, or an older state of it: what was sent is damaged",
        fix: `Look at ${blobs.shown}; \`sweep show ${name}\` names the machine that has it.`,
      }
      : shared
      ? {
        found: "none",
        fix: "Give --blobs with the folder through which the workers' runs travel.",
      }
      : {
        found: "none: it was removed",
        fix: `\`sweep delete ${name}\` forgets the sweep; then the same command trains it anew.`,
      }),
  });

/** Runs a sweep that is in the tables to its end, and says what came of it. */
export const toEnd = (fleet: Fleet, name: string, options: Options, terminal: Terminal) =>
  Effect.gen(function* () {
    const slots = yield* wholeNumber(options, "slots", 1, 1);
    const quiet = options.json === true;
    const say = (line: string) =>
      quiet ? void process.stderr.write(`${plainText(line)}\n`) : terminal.print(plainText(line));
    const presence = yield* presenceOf(slots, true);
    const running = runToEnd(fleet, name, {
      name: hostname(),
      slots,
      train: trainInChild({ threads: threadsOfEach(slots), silentSeconds }),
      accepts: fitsAlone,
      say,
      presence,
    }).pipe(Effect.provideService(RunFiles, runFiles));
    const isStopped = yield* untilStopped(
      Effect.raceFirst(running, narrate(fleet, name, say, process.stderr)),
      () => say("Stopping: trainings end after the step they are in."),
    );
    if (isStopped) {
      return yield* new Stopped({
        wanted: "to go on",
        found: "a request to stop",
        fix: `The sweep stays where it is; go on with: ${
          sameCommand("sweep", process.argv.slice(3))
        }`,
      });
    }
    const sweep = yield* find(fleet, name);
    const { results, board } = yield* withTables(fleet, (tables) => boardOf(tables, sweep));
    const blobs = yield* blobsOf(fleet, options);
    if (blobs !== null) yield* withTables(fleet, () => bringRuns(sweep.plan, blobs, say));
    if (!(yield* seesWinners(board))) return yield* winnerIsAway(fleet, name, blobs);
    const files = yield* withTables(
      fleet,
      () => endSweep(runsFolder(fleet, sweep), sweep, board, runFiles),
    );
    if (quiet) terminal.print(boardJson(board));
    else {
      const notes = yield* notesOn(board);
      [...leaderboardLines(board), ...notes, ...files.map((file) => `  ${file}`)]
        .forEach(terminal.print);
    }
    if (sweep.state === "cancelled") {
      return yield* new Stopped({
        wanted: "the sweep's end",
        found: "that it was cancelled",
        fix: `${name} was cancelled; \`sweep resume ${name}\` goes on with it.`,
      });
    }
    process.exitCode = exitCodeOfSweep(results);
  });
