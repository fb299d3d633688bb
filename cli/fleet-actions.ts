// What `fleet` and `fleet migrate` do. The trap: only `migrate` makes tables of a PostgreSQL; everything else
// has rights on rows alone.
import { existsSync } from "node:fs";
import { Effect } from "effect";
import { fleetFacts, type FleetStatus, fleetStatus } from "../fleet/fleet-status.ts";
import { withTables } from "../fleet/open-tables.ts";
import { migrateTables } from "../fleet/sweep-session.ts";
import type { Fault } from "../lib/fault.ts";
import type { Options, Terminal } from "./command.ts";
import { baseOf, fleetOf, requireShared } from "./fleet-options.ts";
import { table } from "./table.ts";

const ago = (seconds: number) =>
  seconds < 120 ? `${seconds} s ago` : `${Math.round(seconds / 60)} min ago`;

function fleetLines({ workers, queues, waiting }: FleetStatus): readonly string[] {
  const doing = (worker: FleetStatus["workers"][number]) =>
    worker.doing.map(({ run, step, steps }) => `${run} ${step}/${steps ?? "?"}`).join(", ");
  return [
    ...(workers.length === 0 ? ["No worker is there."] : table([
      ["worker", "machine", "slots", "version", "last seen", "trains"],
      ...workers.map((worker) => [
        worker.worker,
        worker.machine,
        `${worker.doing.length}/${worker.slots}`,
        worker.tool,
        ago(worker.silentSeconds) + (worker.silent ? ", silent" : ""),
        doing(worker) || "-",
      ]),
    ])),
    ...(queues.length === 0 ? [] : [
      "",
      ...table(
        [
          ["queue", "waiting", "claimed"],
          ...queues.map(({ queue, waiting, held }) => [queue, String(waiting), String(held)]),
        ],
        new Set([1, 2]),
      ),
    ]),
    ...(waiting.length === 0 ? [] : [
      "",
      ...table([
        ["waiting", "trial", "to step", "because"],
        ...waiting.map(({ sweep, trial, until, why }) => [
          sweep,
          String(trial),
          until === null ? "end" : String(until),
          why,
        ]),
      ]),
    ]),
  ];
}

export const showFleet = (options: Options, { print }: Terminal): Effect.Effect<void, Fault> =>
  Effect.gen(function* () {
    const base = yield* baseOf(options);
    const fleet = yield* fleetOf(base, options);
    if (!fleet.shared && !existsSync(fleet.shown)) {
      return print(options.json === true ? "null" : `There are no sweeps in ${base}.`);
    }
    const status = fleetStatus(yield* withTables(fleet, () => fleetFacts));
    if (options.json === true) print(JSON.stringify(status));
    else fleetLines(status).forEach((line) => print(line));
  });

export const migrateFleet = (options: Options, { print }: Terminal): Effect.Effect<void, Fault> =>
  Effect.gen(function* () {
    const fleet = yield* fleetOf("output", options);
    yield* requireShared(fleet, "On one machine the tables are a file that makes itself.");
    const role = options.grant === undefined ? null : String(options.grant);
    const made = yield* migrateTables(fleet, role);
    print(made.length === 0 ? "The tables are up to date." : `Made: ${made.join(", ")}.`);
    if (role !== null) print(`${role} may read and write their rows.`);
  });
