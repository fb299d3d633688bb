// `sweep <action>`: many trainings from one file. `run` makes them, the other actions look at them or change
// what is to be done. What each does is in sweep-run.ts, sweep-look.ts and sweep-actions.ts, loaded only when called.
import { Effect } from "effect";
import { tryPromise } from "../lib/try-promise.ts";
import { type Command, UsageFault } from "./command.ts";
import type { Act } from "./sweep-look.ts";
import { fleetOptions } from "./fleet-options.ts";

/** What follows each action. */
const targets = {
  run: ["FILE"],
  list: [],
  show: ["SWEEP"],
  cancel: ["SWEEP"],
  resume: ["SWEEP"],
  delete: ["SWEEP"],
} as const;
type Action = keyof typeof targets;

const actionsOf = async (action: Action) => {
  const found = action === "list" || action === "show"
    ? (await import("./sweep-look.ts")).sweepLooks
    : (await import("./sweep-actions.ts")).sweepActions;
  return (found as Readonly<Record<string, Act>>)[action];
};

export const sweepCommand: Command = {
  usage: "sweep <action> [file-or-sweep]",
  summary: "Many trainings from one file: ranked, halved, gone on with after any end",
  options: [
    ["--output <dir>", "The folder of runs and sweeps (output)"],
    ["--dry-run", "run: print the trials, what each would do, steps and memory; train nothing"],
    ["--slots <n>", "run, resume: how many trainings at once (1)"],
    ["--more <n>", "resume: also go on with the next best so many that lost a halving"],
    ["--yes", "delete: do it. run: also with more than 10 000 trials"],
    ["--json", "Print one JSON value instead of text"],
    ["--detach", "run: leave it to the workers of a PostgreSQL and end"],
    ["--blobs <dir>", "run, resume: the folder through which runs travel to workers and back"],
    ...fleetOptions,
    ["--csv", "show: one line a trial, for a spreadsheet"],
  ],
  actions: Object.keys(targets),
  usedBy: {
    dryRun: ["run"],
    slots: ["run", "resume"],
    more: ["resume"],
    yes: ["run", "delete"],
    json: ["run", "list", "show", "resume"],
    detach: ["run"],
    blobs: ["run", "resume"],
    csv: ["show"],
  },
  sections: [{
    title: "DESCRIPTION",
    paragraphs: [
      "With workers of a PostgreSQL that have folders of their own (worker --blobs): run --blobs brings " +
      "what they trained to the end back into the folder of runs.",
      "run FILE: trains every trial of a sweep file, each as a process of its own, and ranks them. " +
      "Ctrl-C leaves the sweep where it is; the same command goes on, also after a crash or a power " +
      "cut. A trial whose run is in the folder already is not trained again.",
      "list: the sweeps of the folder. show SWEEP: its leaderboard.",
      "cancel SWEEP: its trainings end after the step they are in, and no other begins.",
      "resume SWEEP: goes on with a cancelled one, tries failed trials again, and with --more N " +
      "calls back the next best N that lost a halving.",
      "delete SWEEP: forgets it and removes its files in OUTPUT/SWEEP; its runs stay.",
    ],
  }, {
    title: "FILES",
    paragraphs: [
      "OUTPUT/SWEEP/best.safetensors is the winner's embedding, with its trial in the metadata; with " +
      "rank.per one for each group. config/schema/sweep.json describes sweep files.",
    ],
  }, {
    title: "EXIT STATUS",
    paragraphs: [
      "0 every trial is done. Else the worst of its trials: 70 a defect, 3 the disk, the network or " +
      "the device, 2 something in the file, the configuration or the data, 130 that `runs stop` " +
      "ended one. 130 also of a sweep that Ctrl-C or `sweep cancel` stopped.",
    ],
  }],
  examples: [
    "sweep run sweeps/rates.yaml --dry-run",
    "sweep run sweeps/rates.yaml",
    "sweep show rates",
    "sweep resume rates --more 3",
  ],
  run: ([name, target], options, terminal) => {
    const action = name as Action;
    const wanted = targets[action];
    if (wanted.length !== (target === undefined ? 0 : 1)) {
      return Effect.fail(
        new UsageFault({
          wanted: ["sweep", action, ...wanted].join(" "),
          found: ["sweep", action, target].filter((part) => part !== undefined).join(" "),
          fix: "`sweep --help` shows how it is written.",
        }),
      );
    }
    return Effect.flatMap(
      tryPromise(() => actionsOf(action)),
      (act) => act(String(target), options, terminal),
    );
  },
};
