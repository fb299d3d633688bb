// What each `sweep <action>` does that changes something.
// The trap: a sweep that runs is cancelled first; only then can it be deleted.
import { Effect } from "effect";
import { withTables } from "../fleet/open-tables.ts";
import { removeWinners, sweepFolder } from "../fleet/winner-files.ts";
import { UsageFault } from "./command.ts";
import { baseOf, fleetOf, refuseAlone } from "./fleet-options.ts";
import { wholeNumber } from "./option-reader.ts";
import { type Act, find, runsFolder } from "./sweep-look.ts";
import { run } from "./sweep-run.ts";
import { toEnd } from "./sweep-to-end.ts";

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
