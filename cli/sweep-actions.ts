// What each `sweep <action>` does that changes something. The trap: `run` may be given twice for one folder; the second looks on.
import { hostname } from "node:os";
import { dirname, resolve } from "node:path";
import process from "node:process";
import { Effect } from "effect";
import { optionRows } from "../config/option-rows.ts";
import { providerNames } from "../engine/device/providers.ts";
import { sweepsOf } from "../fleet/boards.ts";
import { boardOf, exitCodeOfSweep } from "../fleet/leaderboard.ts";
import type { Blobs } from "../fleet/blobs.ts";
import type { Fleet } from "../fleet/connection.ts";
import { fleetBlobs } from "../fleet/fleet-blobs.ts";
import { Members } from "../fleet/members.ts";
import { outlookLines, planSweep, type SweepOutlook } from "../fleet/plan-sweep.ts";
import { withTables } from "../fleet/open-tables.ts";
import { bringRuns, sendRuns } from "../fleet/runs-of-sweep.ts";
import { endSweep, RunFiles, seesWinners } from "../fleet/sweep-end.ts";
import { passedFindings } from "../fleet/sweep-findings.ts";
import { runToEnd } from "../fleet/sweep-session.ts";
import { threadsForAll } from "../fleet/sweep-threads.ts";
import { trainInChild } from "../fleet/train-child.ts";
import { removeWinners, sweepFolder } from "../fleet/winner-files.ts";
import { trainingApp } from "../inversion/app.ts";
import { makeFolder } from "../lib/atomic-write.ts";
import { type Fault, fault, Stopped } from "../lib/fault.ts";
import { homePath } from "../lib/home-path.ts";
import { readText } from "../lib/read-text.ts";
import { maxSourceBytes } from "../lib/source.ts";
import { ConfigFault } from "../runtime/options/config-fault.ts";
import { sameCommand } from "../runtime/platform/runtime.ts";
import { type Definition, readDefinition } from "../sweep/definition.ts";
import { trialCount } from "../sweep/trials.ts";
import { type Terminal, UsageFault } from "./command.ts";
import { baseOf, fleetOf, refuseAlone } from "./fleet-options.ts";
import { presenceOf } from "./fleet-presence.ts";
import { fitsAlone } from "./fits-here.ts";
import { differences, enterSweep, type placeOf } from "./known-sweep.ts";
import { plainText } from "./plain-text.ts";
import { requireTraining } from "./require-training.ts";
import { runFiles } from "./run-files.ts";
import { untilStopped } from "./stopping.ts";
import { threadsOf, threadsOfEach } from "./slots-here.ts";
import { type Act, find, notesOn, type Options, runsFolder } from "./sweep-look.ts";
import { narrate } from "./sweep-narrator.ts";
import { boardJson, leaderboardLines } from "./sweep-text.ts";
import { trialWorld } from "./trial-world.ts";

export class NoSweepFile extends fault("NoSweepFile", "user") {}
export class WinnerAway extends fault("WinnerAway", "user") {}

const mostTrials = 10_000;
const silentSeconds = 1800;

const wholeNumber = (options: Options, key: string, least: number, otherwise: number) => {
  const value = options[key] === undefined ? otherwise : Number(options[key]);
  return Number.isInteger(value) && value >= least ? Effect.succeed(value) : Effect.fail<Fault>(
    new UsageFault({
      key: `--${key}`,
      wanted: `a whole number from ${least} on`,
      found: String(options[key]),
      fix: "`sweep --help` tells all options.",
    }),
  );
};

const readFileOf = (
  file: string,
  wanted: string,
  fix = "Give the path of a YAML file; sweeps/ has examples.",
): Effect.Effect<string, Fault> =>
  Effect.mapError(
    readText(file, maxSourceBytes),
    (unreadable) => new NoSweepFile({ file, wanted, fix, ...unreadable }),
  );

/** The configuration that a sweep file names, counted from its folder. */
const configOf = (definition: Definition, file: string): Effect.Effect<string | null, Fault> => {
  if (definition.config === null) return Effect.succeed(null);
  const path = homePath(definition.config);
  return typeof path === "string"
    ? Effect.succeed(resolve(dirname(file), path))
    : Effect.fail(new NoSweepFile({ file, key: "config", ...path }));
};

/** Where runs travel through; null: they stay where they are. */
const blobsOf = (fleet: Fleet, { blobs }: Options): Effect.Effect<Blobs | null, Fault> =>
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
const toEnd = (fleet: Fleet, name: string, options: Options, terminal: Terminal) =>
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

/** As many as every machine can give a training: here, and where workers are there already. */
const threadsFor = (fleet: Fleet, slots: number): Effect.Effect<number, Fault> =>
  !fleet.shared ? Effect.succeed(threadsOf(slots)) : withTables(
    fleet,
    () =>
      Effect.map(
        Effect.flatMap(Members, ({ all }) => all),
        (all) => threadsForAll(threadsOf(slots), all),
      ),
  );

/** A new sweep does not begin with runs that are past its rungs; one that has begun has what came of them. */
const refusePassed = (definition: Definition, { sweep, passed }: SweepOutlook, options: Options) =>
  Effect.gen(function* () {
    if (passed.length === 0) return;
    const known = yield* Effect.flatMap(fleetOf(sweep.base, options), sweepsOf);
    if (known.some(({ plan }) => plan.digest === sweep.digest)) return;
    return yield* new ConfigFault(passedFindings(definition, passed));
  });

const run: Act = (given, options, terminal) =>
  Effect.gen(function* () {
    // All that the command line alone tells, before the trials are planned.
    const slots = yield* wholeNumber(options, "slots", 1, 1);
    yield* refuseAlone(options, ["detach", "blobs"]);
    const file = resolve(given);
    const text = yield* readFileOf(file, "a sweep file");
    const definition = yield* readDefinition(text, given, {
      options: optionRows().map(({ key }) => key),
      providers: providerNames,
    });
    const count = trialCount(definition);
    if (count > mostTrials && options.yes !== true) {
      return yield* new UsageFault({
        file: given,
        wanted: `at most ${mostTrials} trials`,
        found: String(count),
        fix: "Give --yes if that many are meant, or set budget.trials.",
      });
    }
    yield* requireTraining(definition.pipeline, trainingApp(), { file: given, key: "pipeline" });
    const config = yield* configOf(definition, file);
    const whole = "a configuration file, as `config` of the sweep file names it";
    const outlook = yield* planSweep(
      definition,
      file,
      config,
      config === null ? null : yield* readFileOf(config, whole, "Correct the path."),
      trialWorld(definition, config, options),
    );
    yield* refusePassed(definition, outlook, options);
    if (options.dryRun === true) {
      if (options.json === true) terminal.print(JSON.stringify(outlook));
      else outlookLines(outlook).map(plainText).forEach(terminal.print);
      return;
    }
    const { base } = outlook.sweep;
    const fleet = yield* fleetOf(base, options);
    const sweep = outlook.opensThreads
      ? { ...outlook.sweep, threads: yield* threadsFor(fleet, slots) }
      : outlook.sweep;
    yield* makeFolder(base); // workers look for it
    const blobs = yield* blobsOf(fleet, options);
    const tell = ({ name, other }: ReturnType<typeof placeOf>) => {
      if (options.json === true) return;
      outlookLines({ ...outlook, sweep: { ...sweep, name } }).map(plainText).forEach(
        terminal.print,
      );
      if (other !== null) {
        terminal.print(
          `Another sweep ${other.name} is there, with ${differences(other.plan, sweep)}; ` +
            `this one is ${name}.`,
        );
      }
    };
    const name = yield* enterSweep(
      fleet,
      sweep,
      tell,
      (named) => blobs === null ? Effect.succeed([]) : sendRuns(named, blobs),
    );
    const stored = yield* find(fleet, name);
    if (stored.state === "cancelled") {
      return yield* new UsageFault({
        file: given,
        wanted: "a sweep that is to go on",
        found: `${name}, which was cancelled`,
        fix: `\`sweep resume ${name}\` goes on with it.`,
      });
    }
    if (options.detach !== true) return yield* toEnd(fleet, name, options, terminal);
    if (options.json === true) {
      return terminal.print(JSON.stringify({ sweep: name, detached: true }));
    }
    terminal.print(
      `Workers of ${fleet.shown} train it. \`sweep show ${name}\` says how far it is;`,
    );
    terminal.print(
      "the same command without --detach waits for its end" +
        (blobs === null ? "; whoever ends it copies the winner." : " and brings the winner here."),
    );
  });

const cancel: Act = (name, options, { print }) =>
  Effect.gen(function* () {
    const fleet = yield* fleetOf(yield* baseOf(options), options);
    yield* find(fleet, name);
    const isNow = yield* withTables(fleet, (tables) => tables.end(name, "cancelled"));
    const { state } = yield* find(fleet, name);
    print(
      isNow
        ? `${name} is cancelled: what trains ends after its step. \`sweep resume ${name}\` goes on.`
        : `${name} is ${state} already.`,
    );
  });

const resume: Act = (name, options, terminal) =>
  Effect.gen(function* () {
    yield* refuseAlone(options, ["blobs"]);
    const fleet = yield* fleetOf(yield* baseOf(options), options);
    const more = yield* wholeNumber(options, "more", 0, 0);
    const { state, plan } = yield* find(fleet, name);
    if (more > 0 && plan.rungs.length === 0) {
      return yield* new UsageFault({
        key: "--more",
        wanted: "a sweep with halving",
        found: `${name}, which trains all to their end`,
        fix: "Leave --more out.",
      });
    }
    if (state !== "running" || more > 0) {
      yield* withTables(fleet, (tables) => tables.nextRound(name, more));
    }
    yield* toEnd(fleet, name, options, terminal);
  });

const remove: Act = (name, options, { print }) =>
  Effect.gen(function* () {
    const fleet = yield* fleetOf(yield* baseOf(options), options);
    const sweep = yield* find(fleet, name);
    const running = new UsageFault({
      wanted: "a sweep that does not run",
      found: name,
      fix: `\`sweep cancel ${name}\` first.`,
    });
    if (sweep.state === "running") return yield* running;
    const base = runsFolder(fleet, sweep);
    if (options.yes !== true) {
      return print(`Would forget ${name} and remove its files in ${sweepFolder(base, name)}.`);
    }
    if (!(yield* withTables(fleet, (tables) => tables.remove(name)))) return yield* running;
    yield* removeWinners(base, name);
    print(`${name} is forgotten; its runs are still in ${base}.`);
  });

export const sweepActions = { run, cancel, resume, delete: remove } satisfies Record<string, Act>;
