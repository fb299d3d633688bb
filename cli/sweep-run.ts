// `sweep run FILE`: reads a sweep file, plans its trials, puts the sweep into the tables and trains it.
// The trap: it may be given twice for one folder; the second finds the sweep there and looks on.
import { dirname, resolve } from "node:path";
import { Effect } from "effect";
import { optionRows } from "../config/option-rows.ts";
import { providerNames } from "../engine/device/providers.ts";
import { sweepsOf } from "../fleet/boards.ts";
import type { Fleet } from "../fleet/connection.ts";
import { Members } from "../fleet/members.ts";
import { withTables } from "../fleet/open-tables.ts";
import { passedFindings, passedRungs } from "../fleet/passed-rungs.ts";
import { planSweep } from "../fleet/plan-sweep.ts";
import { sendRuns } from "../fleet/runs-of-sweep.ts";
import { outlookLines, type SweepOutlook } from "../fleet/sweep-outlook.ts";
import { threadsForAll } from "../fleet/sweep-threads.ts";
import { trainingApp } from "../inversion/app.ts";
import { makeFolder } from "../lib/atomic-write.ts";
import { type Fault, fault } from "../lib/fault.ts";
import { homePath } from "../lib/home-path.ts";
import { readText } from "../lib/read-text.ts";
import { maxSourceBytes } from "../lib/source.ts";
import { ConfigFault } from "../runtime/options/config-fault.ts";
import { type Definition, readDefinition } from "../sweep/definition.ts";
import { trialCount } from "../sweep/trials.ts";
import { type Options, type Terminal, UsageFault } from "./command.ts";
import { fleetOf, refuseAlone } from "./fleet-options.ts";
import { differences, enterSweep, type placeOf } from "./known-sweep.ts";
import { wholeNumber } from "./option-reader.ts";
import { plainText } from "./plain-text.ts";
import { requireTraining } from "./require-training.ts";
import { threadsOf } from "./slots-here.ts";
import { type Act, find } from "./sweep-look.ts";
import { blobsOf, toEnd } from "./sweep-to-end.ts";
import { trialWorld } from "./trial-world.ts";

export class NoSweepFile extends fault("NoSweepFile", "user") {}

const mostTrials = 10_000;

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

const isKnown = ({ sweep: { base, digest } }: SweepOutlook, options: Options) =>
  Effect.map(
    Effect.flatMap(fleetOf(base, options), sweepsOf),
    (known) => known.some(({ plan }) => plan.digest === digest),
  );

/** What the sweep file comes to; trains nothing. */
const outlookOf = (given: string, options: Options) =>
  Effect.gen(function* () {
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
    const passed = yield* passedRungs(outlook);
    // One that has begun says of its trials what came of them.
    if (passed.length > 0 && !(yield* isKnown(outlook, options))) {
      return yield* new ConfigFault(passedFindings(definition, passed));
    }
    return outlook;
  });

/** Says what is trained, and under which name where the file's own is another sweep's. */
const saying =
  (outlook: SweepOutlook, print: Terminal["print"]) =>
  ({ name, other }: ReturnType<typeof placeOf>): void => {
    const sweep = { ...outlook.sweep, name };
    outlookLines({ ...outlook, sweep }).map(plainText).forEach(print);
    if (other === null) return;
    const differing = differences(other.plan, sweep);
    print(`Another sweep ${other.name} is there, with ${differing}; this one is ${name}.`);
  };

export const run: Act = (given, options, terminal) =>
  Effect.gen(function* () {
    // All that the command line alone tells, before the trials are planned.
    const slots = yield* wholeNumber(options, "slots", 1, 1);
    yield* refuseAlone(options, ["detach", "blobs"]);
    const planned = yield* outlookOf(given, options);
    const json = options.json === true;
    if (options.dryRun === true) {
      if (json) terminal.print(JSON.stringify(planned));
      else outlookLines(planned).map(plainText).forEach(terminal.print);
      return;
    }
    const { base } = planned.sweep;
    const fleet = yield* fleetOf(base, options);
    const threads = planned.opensThreads ? { threads: yield* threadsFor(fleet, slots) } : {};
    const outlook = { ...planned, sweep: { ...planned.sweep, ...threads } };
    yield* makeFolder(base); // workers look for it
    const blobs = yield* blobsOf(fleet, options);
    const name = yield* enterSweep(
      fleet,
      outlook.sweep,
      json ? () => {} : saying(outlook, terminal.print),
      (named) => blobs === null ? Effect.succeed([]) : sendRuns(named, blobs),
    );
    if ((yield* find(fleet, name)).state === "cancelled") {
      return yield* new UsageFault({
        file: given,
        wanted: "a sweep that is to go on",
        found: `${name}, which was cancelled`,
        fix: `\`sweep resume ${name}\` goes on with it.`,
      });
    }
    if (options.detach !== true) return yield* toEnd(fleet, name, options, terminal);
    if (json) return terminal.print(JSON.stringify({ sweep: name, detached: true }));
    terminal.print(
      `Workers of ${fleet.shown} train it. \`sweep show ${name}\` says how far it is;`,
    );
    terminal.print(
      "the same command without --detach waits for its end" +
        (blobs === null ? "; whoever ends it copies the winner." : " and brings the winner here."),
    );
  });
