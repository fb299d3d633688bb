// `runs <action>`: the runs in a folder, to list, show, compare, steer, move and clear up.
// The trap: what deletes only says what it would delete, until it is given --yes.
import { Effect } from "effect";
import type { Fault } from "../../engine/fault.ts";
import type { ControlRequest } from "../control.ts";
import { listRun } from "../monitor/run-list.ts";
import { compareRuns } from "../runs/compare-runs.ts";
import { bytesBelow, deleteRun } from "../runs/delete-run.ts";
import { describeRun } from "../runs/describe-run.ts";
import { exportRun } from "../runs/export-run.ts";
import { findRun } from "../runs/find-run.ts";
import { importRun } from "../runs/import-run.ts";
import { findPrunable, removePrunable } from "../runs/prune.ts";
import { steerRun } from "../runs/steer-run.ts";
import { surveyRuns } from "../runs/survey.ts";
import { type Command, type Terminal, UsageFault } from "./command.ts";
import { ageOf, bytesText } from "./quantity.ts";
import { compareText, listText, pruneText, showText } from "./runs-text.ts";
import { tryPromise } from "../try-promise.ts";

interface Call {
  /** What follows the action. */
  readonly args: readonly string[];
  /** The folder of runs. */
  readonly base: string;
  readonly yes: boolean;
  readonly olderThan: string | undefined;
  readonly step: number | undefined;
  readonly prompts: readonly string[];
  /** Prints `lines`, or with --json the one value. */
  readonly say: (value: unknown, lines: readonly string[]) => void;
}

interface Action {
  /** Of its arguments, for messages. */
  readonly names: readonly string[];
  readonly run: (call: Call) => Effect.Effect<void, Fault>;
}

const list: Action = {
  names: [],
  run: ({ base, say }) =>
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
      }));
      say(rows, runs.length === 0 ? [`There are no runs in ${base}.`] : listText(lines));
    }),
};

const show: Action = {
  names: ["RUN"],
  run: ({ args: [name], base, say }) =>
    Effect.map(
      Effect.flatMap(findRun(name, base), describeRun),
      (run) => say(run, showText(run)),
    ),
};

const compare: Action = {
  names: ["RUN", "RUN"],
  run: ({ args, base, say }) =>
    Effect.gen(function* () {
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
      const bytes = yield* tryPromise(() => bytesBelow(run.dir));
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
        return yield* Effect.fail(usage("--older-than", wanted, `${olderThan}`));
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
  run: ({ args: [file], base, say }) =>
    Effect.map(importRun(file, base), (imported) =>
      say(imported, [
        imported.dir,
        "Its command goes on from there, if it names the same pictures and the same model.",
      ])),
};

/** Something that the training in a run is asked for. */
const steering = (
  request: (call: Call) => ControlRequest | UsageFault,
  said: string,
): Action => ({
  names: ["RUN"],
  run: (call) =>
    Effect.gen(function* () {
      const asked = request(call);
      if (asked instanceof UsageFault) return yield* Effect.fail(asked);
      const run = yield* findRun(call.args[0], call.base);
      yield* steerRun(run, asked);
      call.say({ run: run.name, ...asked }, [`${run.name}: ${said}`]);
    }),
});

const actions: Readonly<Record<string, Action>> = {
  list,
  show,
  compare,
  stop: steering(
    () => ({ request: "stop" }),
    "it stops after the step it is at; the same command goes on from there",
  ),
  save: steering(() => ({ request: "save" }), "a checkpoint of the next step is written"),
  validate: steering(
    ({ prompts }) => ({ request: "validate", ...(prompts.length === 0 ? {} : { prompts }) }),
    "pictures of the next step are made",
  ),
  choose: steering(
    ({ step }) =>
      step === undefined
        ? usage("--step", "the step of a checkpoint", "none")
        : { request: "choose", step },
    "noted as the chosen one",
  ),
  export: pack,
  import: unpack,
  delete: remove,
  prune,
};

export const runsCommand: Command = {
  usage: "runs <action> [run] [run-or-file]",
  summary: "List, show, compare, steer, move and clear up runs",
  options: [
    ["--output <dir>", "The folder that the runs are in (output)"],
    ["--step <n>", "choose: the step of the checkpoint that is the best to you"],
    ["--prompt <text>", "validate: this in place of the configured prompts; may be repeated"],
    ["--older-than <age>", "prune: also runs that did not end well and are older, e.g. 30d"],
    ["--yes", "delete, prune: do it; without it they only list"],
    ["--json", "Print one JSON value instead of text"],
  ],
  examples: [
    "runs list",
    "runs show latest",
    "runs compare bruce_the_gnome-1a2b bruce_the_gnome-3c4d",
    "runs stop latest",
    "runs choose latest --step 300",
    "runs export latest gnome-run.tar",
    "runs import gnome-run.tar",
    "runs prune --older-than 30d --yes",
  ],
  sections: [
    {
      title: "DESCRIPTION",
      paragraphs: [
        "RUN is a name, the beginning of one, a path, or `latest`. What deletes only lists, until " +
        "it is given --yes.",
        "list: all runs of the folder, broken ones too.",
        "show RUN: what it was made with, how its attempts went, what it reached, its files.",
        "compare RUN RUN: what differs in configuration, pictures and weights, what each reached, " +
        "and which results of stages they share.",
        "stop RUN, save RUN, validate RUN: ask the training that runs; it answers within a step.",
        "choose RUN --step N: mark a checkpoint as the one to keep.",
        "export RUN FILE, import FILE: move a run to another machine, with all that its command " +
        "needs to go on there (the pictures and the model aside). FILE is a tar archive.",
        "delete RUN: its folder with everything in it.",
        "prune: what the store holds for no run any more; with --older-than also old runs that " +
        "were stopped, failed or broke.",
      ],
    },
  ],
  run: (given, options, terminal) => {
    const [name, ...rest] = given.filter((arg) => arg !== undefined).map(String);
    const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
    if (action === undefined) {
      return Effect.fail(usage("action", Object.keys(actions).join(", "), name));
    }
    if (rest.length !== action.names.length) {
      const wanted = ["runs", name, ...action.names].join(" ");
      return Effect.fail(usage("runs", wanted, ["runs", name, ...rest].join(" ")));
    }
    const step = options.step === undefined ? undefined : Number(options.step);
    if (step !== undefined && !(Number.isInteger(step) && step >= 0)) {
      return Effect.fail(usage("--step", "a number of finished steps", String(options.step)));
    }
    return action.run({
      args: rest,
      base: options.output === undefined ? "output" : String(options.output),
      yes: options.yes === true,
      olderThan: options.olderThan === undefined ? undefined : String(options.olderThan),
      step,
      prompts: [options.prompt ?? []].flat().map(String),
      say: saying(terminal, options.json === true),
    });
  },
};

const saying = ({ print }: Terminal, json: boolean): Call["say"] => (value, lines) =>
  json ? print(JSON.stringify(value)) : lines.forEach((line) => print(line));

const usage = (key: string, wanted: string, found: string): UsageFault =>
  new UsageFault({ key, wanted, found, fix: "`runs --help` shows how it is written." });
