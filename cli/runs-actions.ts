// What each `runs <action>` does, once its words and options are taken apart: finds the run, does it, says it.
// The trap: what deletes only says what it would delete, until it is given --yes.
import { Effect } from "effect";
import type { Fleet } from "../fleet/connection.ts";
import type { Fault } from "../lib/fault.ts";
import { bytesBelow } from "../lib/look.ts";
import { tryPromise } from "../lib/try-promise.ts";
import { listRun } from "../observe/reading/run-list.ts";
import type { ControlRequest } from "../inversion/requests.ts";
import { compareRuns } from "../observe/reading/compare-runs.ts";
import { deleteRun } from "../runtime/runs/delete-run.ts";
import { describeRun } from "../observe/reading/describe-run.ts";
import { exportRun } from "../runtime/runs/export-run.ts";
import { findRun } from "../runtime/runs/find-run.ts";
import { importRun } from "../runtime/runs/import-run.ts";
import { findPrunable, removePrunable } from "../runtime/runs/prune.ts";
import { steerRun } from "../observe/reading/steer-run.ts";
import { surveyRuns } from "../runtime/runs/survey.ts";
import { UsageFault } from "./command.ts";
import { ageOf, bytesText } from "./quantity.ts";
import { compareText, listText, pruneText, showText } from "./runs-text.ts";

export const runsUsage = (key: string, wanted: string, found: string): UsageFault =>
  new UsageFault({ key, wanted, found, fix: "`runs --help` shows how it is written." });

export interface Call {
  /** What follows the action. */
  readonly args: readonly string[];
  /** The folder of runs. */
  readonly base: string;
  readonly yes: boolean;
  readonly olderThan: string | undefined;
  readonly step: number | undefined;
  readonly prompts: readonly string[];
  /** The PostgreSQL that runs of other machines are known in; null: there is none. */
  readonly fleet: Fleet | null;
  /** Prints `lines`, or with --json the one value. */
  readonly say: (value: unknown, lines: readonly string[]) => void;
}

export interface Action {
  /** Of its arguments, for messages. */
  readonly names: readonly string[];
  /** Whether it makes the folder of runs where there is none. */
  readonly makesBase?: true;
  readonly run: (call: Call) => Effect.Effect<void, Fault>;
}

/** Loaded only with a fleet. */
const remote = tryPromise(() => import("./remote-runs.ts"));

const list: Action = {
  names: [],
  run: ({ base, fleet, say }) =>
    Effect.gen(function* () {
      const runs = yield* surveyRuns(base);
      const lines = yield* Effect.forEach(runs, (run) =>
        Effect.map(
          tryPromise(() => listRun({ id: run.name, dir: run.dir })),
          (listed) => ({ run, listed }),
        ), { concurrency: 8 });
      const rows = lines.map(({ run: { manifest, ...run }, listed }) => ({
        ...run,
        trigger: manifest?.trigger ?? null,
        totalSteps: listed?.state.totalSteps ?? null,
        loss: listed?.state.loss ?? null,
        fixedLoss: listed?.state.fixedLoss ?? null,
        measuredOn: listed?.measuredOn ?? null,
      }));
      const text = runs.length === 0 ? [`There are no runs in ${base}.`] : listText(lines);
      if (fleet === null) return say(rows, text);
      const { elsewhereText, runsElsewhere } = yield* remote;
      const elsewhere = yield* runsElsewhere(fleet, new Set(runs.map(({ name }) => name)));
      say([...rows, ...elsewhere], [...text, ...elsewhereText(elsewhere)]);
    }),
};

const show: Action = {
  names: ["RUN"],
  run: ({ args: [name], base, fleet, say }) =>
    Effect.gen(function* () {
      if (fleet !== null) {
        const { findAnywhere, isElsewhere, remoteText } = yield* remote;
        const found = yield* findAnywhere(name, fleet);
        if (isElsewhere(found)) return say(found, remoteText(found));
      }
      const run = yield* Effect.flatMap(findRun(name, base), describeRun);
      say(run, showText(run));
    }),
};

const compare: Action = {
  names: ["RUN", "RUN"],
  run: ({ args, base, fleet, say }) =>
    Effect.gen(function* () {
      if (fleet !== null) {
        const { compareRows, compareRowsText, findAnywhere, inFleet, isElsewhere } = yield* remote;
        const found = yield* Effect.forEach(args, (name) => findAnywhere(name, fleet));
        if (found.some(isElsewhere)) {
          const [a, b] = yield* Effect.forEach(found, (run) => inFleet(run, fleet));
          const rows = compareRows(a, b);
          return say(rows, compareRowsText(rows));
        }
      }
      const [a, b] = yield* Effect.forEach(args, (name) =>
        Effect.flatMap(findRun(name, base), describeRun));
      const comparison = compareRuns(a, b);
      say(comparison, compareText(comparison));
    }),
};

const remove: Action = {
  names: ["RUN"],
  run: ({ args: [name], base, yes, say }) =>
    Effect.gen(function* () {
      const run = yield* findRun(name, base);
      const bytes = yield* bytesBelow(run.dir);
      if (yes) yield* deleteRun(run);
      say({ run: run.name, dir: run.dir, bytes, deleted: yes }, [
        `${run.dir} (${run.status}, step ${run.step ?? "-"}, ${bytesText(bytes)})`,
        yes ? "Deleted." : "Nothing was deleted; --yes deletes it with its checkpoints.",
      ]);
    }),
};

const prune: Action = {
  names: [],
  run: ({ base, yes, olderThan, say }) =>
    Effect.gen(function* () {
      const age = olderThan === undefined ? null : ageOf(olderThan);
      if (age === undefined) {
        const wanted = "an age, e.g. 12h, 30d or 2w";
        return yield* Effect.fail(runsUsage("--older-than", wanted, `${olderThan}`));
      }
      const found = yield* findPrunable(base, age === null ? null : Date.now() - age);
      if (yes) yield* removePrunable(base, found);
      const runs = found.runs.map(({ run: { name, status }, bytes }) => ({ name, status, bytes }));
      say({ ...found, runs, removed: yes }, pruneText(found, yes));
    }),
};

const pack: Action = {
  names: ["RUN", "FILE"],
  run: ({ args: [name, file], base, say }) =>
    Effect.gen(function* () {
      const exported = yield* Effect.flatMap(findRun(name, base), (run) => exportRun(run, file));
      say(exported, [`${file} (${exported.files} files, ${bytesText(exported.bytes)})`]);
    }),
};

const unpack: Action = {
  names: ["FILE"],
  makesBase: true,
  run: ({ args: [file], base, say }) =>
    Effect.map(importRun(file, base), (imported) =>
      say(imported, [
        imported.dir,
        "Its command goes on from there, if it names the same pictures and the same model.",
      ])),
};

/** Something that the training in a run is asked for. */
const steering = (
  request: (call: Call) => Effect.Effect<ControlRequest, UsageFault>,
  said: string,
): Action => ({
  names: ["RUN"],
  run: (call) =>
    Effect.gen(function* () {
      const asked = yield* request(call);
      if (call.fleet !== null) {
        const { findAnywhere, isElsewhere } = yield* remote;
        const found = yield* findAnywhere(call.args[0], call.fleet);
        if (isElsewhere(found)) {
          const { askRemoteRun } = yield* tryPromise(() => import("../fleet/remote-runs.ts"));
          yield* askRemoteRun(found, asked, call.fleet);
          return call.say({ run: found.name, ...asked }, [`${found.name}: ${said}`]);
        }
      }
      const run = yield* findRun(call.args[0], call.base);
      yield* steerRun(run, asked);
      call.say({ run: run.name, ...asked }, [`${run.name}: ${said}`]);
    }),
});

/** By the word that is typed. */
export const runsActions: Readonly<Record<string, Action>> = {
  list,
  show,
  compare,
  stop: steering(
    () => Effect.succeed({ request: "stop" }),
    "it stops after the step it is at; the same command goes on from there",
  ),
  save: steering(
    () => Effect.succeed({ request: "save" }),
    "a checkpoint of the next step is written",
  ),
  validate: steering(
    ({ prompts }) =>
      Effect.succeed({ request: "validate", ...(prompts.length === 0 ? {} : { prompts }) }),
    "pictures of the next step are made",
  ),
  choose: steering(
    ({ step }) =>
      step === undefined
        ? Effect.fail(runsUsage("--step", "the step of a checkpoint", "none"))
        : Effect.succeed({ request: "choose", step }),
    "noted as the chosen one",
  ),
  export: pack,
  import: unpack,
  delete: remove,
  prune,
};
