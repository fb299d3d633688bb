// `runs <action>`: the runs in a folder, to list, show, compare, steer, move and clear up. What each action
// does is in runs-actions.ts; here is how they are written.
import { Effect } from "effect";
import type { Command, Terminal } from "./command.ts";
import { baseOf, baseToMake, fleetOf, fleetOptions, isShared } from "./fleet-options.ts";
import { type Call, runsActions, runsUsage } from "./runs-actions.ts";

/** What also reaches runs of other machines. */
const remotely = ["list", "show", "compare", "stop", "save", "validate", "choose"];

export const runsCommand: Command = {
  usage: "runs <action> [run] [run-or-file]",
  summary: "List, show, compare, steer, move and clear up runs",
  options: [
    ["--output <dir>", "The folder that the runs are in (output)"],
    ["--step <n>", "choose: the step of the checkpoint that is the best to you"],
    ["--prompt <text>", "validate: this in place of the configured prompts; may be repeated"],
    ["--older-than <age>", "prune: also runs that did not end well and are older, e.g. 30d"],
    ["--yes", "delete, prune: do it; without it they only list"],
    ...fleetOptions,
    ["--json", "Print one JSON value instead of text"],
  ],
  repeatable: ["prompt"],
  actions: Object.keys(runsActions),
  usedBy: {
    step: ["choose"],
    prompt: ["validate"],
    olderThan: ["prune"],
    yes: ["delete", "prune"],
    fleet: remotely,
    insecure: remotely,
  },
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
        "list: all runs of the folder, broken ones too. Where fixed losses were measured on other " +
        "pictures, timesteps or noise, a letter behind each says which compare.",
        "show RUN: what it was made with, how its attempts went, what it reached, its files.",
        "compare RUN RUN: what differs in configuration, pictures and weights, what each reached and " +
        "which is better, whether their fixed losses compare, and which results of stages they share.",
        "stop RUN, save RUN, validate RUN: ask the training that runs; it answers within a step.",
        "With GNOMIC_FLEET or --fleet, list, show, compare, stop, save, validate and choose also " +
        "reach runs of other machines: through the database, by the worker that trains them.",
        "choose RUN --step N: mark a checkpoint as the one to keep.",
        "export RUN FILE, import FILE: move a run to another machine, with all that its command " +
        "needs to go on there (the pictures and the model aside). FILE is a tar archive.",
        "delete RUN: its folder with everything in it.",
        "prune: what the store holds for no run any more; with --older-than also old runs that " +
        "were stopped or failed. While a run cannot be read, everything stays.",
      ],
    },
  ],
  run: ([name, ...rest], options, terminal) => {
    const action = runsActions[name];
    if (rest.length !== action.names.length) {
      const wanted = ["runs", name, ...action.names].join(" ");
      return Effect.fail(runsUsage("runs", wanted, ["runs", name, ...rest].join(" ")));
    }
    const step = options.step === undefined ? undefined : Number(options.step);
    if (step !== undefined && !(Number.isInteger(step) && step >= 0)) {
      return Effect.fail(runsUsage("--step", "a number of finished steps", String(options.step)));
    }
    return Effect.gen(function* () {
      const base = action.makesBase ? baseToMake(options) : yield* baseOf(options);
      const reaches = remotely.includes(name) && isShared(options);
      const fleet = reaches ? yield* fleetOf(base, options) : null;
      yield* action.run({
        args: rest,
        base,
        fleet,
        yes: options.yes === true,
        olderThan: options.olderThan === undefined ? undefined : String(options.olderThan),
        step,
        prompts: [options.prompt ?? []].flat().map(String),
        say: saying(terminal, options.json === true),
      });
    });
  },
};

const saying = ({ print }: Terminal, json: boolean): Call["say"] => (value, lines) =>
  json ? print(JSON.stringify(value)) : lines.forEach((line) => print(line));
