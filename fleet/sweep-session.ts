// One process that runs the sweeps of a folder: it holds the fleet's lock, the engine and a worker. Whoever
// comes second looks on, and takes over when the first is gone.
// The trap: the lock is a run's lock, by the same rules; only who holds it opens the engine.
import { join } from "node:path";
import { Duration, Effect, type Scope } from "effect";
import { makeFolder } from "../lib/atomic-write.ts";
import { type Fault, fault, isFault } from "../lib/fault.ts";
import { lockRun, RunLocked } from "../lib/lock.ts";
import { embeddedLayer, embeddedLease, sharedLayer, tablesLayer } from "./engine.ts";
import { fleetAddress, postgresLayer, shownAddress } from "./postgres.ts";
import { sqliteLayer } from "./sqlite.ts";
import { Sweep } from "./sweep-workflow.ts";
import { Tables } from "./tables.ts";
import { runWorker, type WorkerOptions } from "./worker.ts";

export class FleetFault extends fault("FleetFault", "world") {}
export class WorkerIll extends fault("WorkerIll", "world") {}

export const fleetFile = (base: string): string => join(base, ".gnomic-fleet.db");

/** How long what a dead worker of a fleet had stays its own. */
export const sharedLease = Duration.minutes(2);

const lookEvery = "500 millis";

/** The innermost message: the outer ones only say what was attempted. */
const reasonOf = (cause: unknown): string => {
  const inner = (cause as { reason?: unknown; cause?: unknown }).reason ??
    (cause as { cause?: unknown }).cause;
  return inner instanceof Error ? reasonOf(inner) : (cause as Error).message;
};

/** What went wrong with the database, in one line. */
const asFleetFault = (file: string) => (cause: unknown): Fault =>
  isFault(cause) ? cause : new FleetFault({
    file,
    wanted: "to read and write the sweeps of this folder",
    found: reasonOf(cause),
    fix: "Look at the database (GNOMIC_FLEET) or the disk; the runs themselves are whole.",
    cause,
  });

/** Looks at the tables, or says something to who runs the sweeps. */
export const withTables = <A>(
  base: string,
  use: (tables: Tables["Service"]) => Effect.Effect<A, unknown>,
): Effect.Effect<A, Fault> =>
  Effect.gen(function* () {
    yield* makeFolder(base);
    const address = fleetAddress();
    const [layer, shown] = address === undefined
      ? [tablesLayer(sqliteLayer(fleetFile(base))), fleetFile(base)]
      : [tablesLayer(postgresLayer(address)), shownAddress(address)];
    return yield* Effect.flatMap(Tables, use).pipe(
      Effect.provide(layer),
      Effect.mapError(asFleetFault(shown)),
    );
  });

/** Every sweep that is to run gets its workflow, whoever asked for it. */
const startSweeps = Effect.gen(function* () {
  const tables = yield* Tables;
  const started = new Set<string>();
  for (;;) {
    for (const { name, round, state } of yield* tables.sweeps) {
      const key = `${name}/${round}`;
      if (started.has(key) || state !== "running") continue;
      started.add(key);
      yield* Sweep.execute({ sweep: name, round }, { discard: true });
    }
    yield* Effect.sleep("1 second");
  }
});

const isOver = (sweep: string) =>
  Effect.gen(function* () {
    const found = yield* Effect.flatMap(Tables, (tables) => tables.findSweep(sweep));
    return found?.state !== "running";
  });

const untilOver = (sweep: string) =>
  Effect.gen(function* () {
    while (!(yield* isOver(sweep))) yield* Effect.sleep(lookEvery);
    return "over" as const;
  });

/** Cancelled trainings end before their worker does. */
const untilIdle = (sweep: string) =>
  Effect.gen(function* () {
    const tables = yield* Tables;
    while ((yield* tables.runs(sweep)).some(({ worker }) => worker !== "")) {
      yield* Effect.sleep(lookEvery);
    }
  });

const hold = (base: string, sweep: string, worker: Omit<WorkerOptions, "lease">) => {
  const file = fleetFile(base);
  return Effect.scoped(Effect.gen(function* () {
    const lease = Duration.fromInputUnsafe(embeddedLease);
    yield* Effect.forkScoped(startSweeps);
    const ended = yield* Effect.raceFirst(
      Effect.tap(untilOver(sweep), untilIdle(sweep)),
      Effect.as(runWorker({ ...worker, lease }), "ill" as const),
    );
    if (ended === "over") return;
    return yield* new WorkerIll({
      wanted: "trainings that work on this machine",
      found: "three in a row that failed",
      fix: "`sweep show` lists what they said; then give the command again.",
    });
  })).pipe(
    Effect.provide(embeddedLayer(file)),
    Effect.mapError((error) => error instanceof WorkerIll ? error : asFleetFault(file)(error)),
  );
};

/** Takes part in a fleet's decisions, and with `worker` in its trainings, until `until` ends. */
export const joinFleet = <A>(
  address: string,
  lease: Duration.Duration,
  worker: Omit<WorkerOptions, "lease"> | null,
  until: Effect.Effect<A, unknown, Tables>,
): Effect.Effect<A, Fault> =>
  Effect.scoped(Effect.gen(function* () {
    yield* Effect.forkScoped(startSweeps);
    if (worker === null) return yield* until;
    return yield* Effect.raceFirst(
      until,
      Effect.andThen(
        runWorker({ ...worker, lease }),
        new WorkerIll({
          wanted: "trainings that work on this machine",
          found: "three in a row that failed",
          fix: "`sweep show` lists what they said; then start the worker again.",
        }),
      ),
    );
  })).pipe(
    Effect.provide(sharedLayer(postgresLayer(address), lease)),
    Effect.mapError(asFleetFault(shownAddress(address))),
  );

/**
 * Runs a sweep to its end, or looks on while another process does. Interrupted, its trainings end after the
 * step they are in, and the sweep stays where it is.
 */
export const runToEnd = (
  base: string,
  sweep: string,
  worker: Omit<WorkerOptions, "lease">,
): Effect.Effect<void, Fault> => {
  const address = fleetAddress();
  if (address !== undefined) {
    worker.say(`Workers of ${shownAddress(address)} train it; \`worker\` starts one.`);
    return Effect.asVoid(joinFleet(address, sharedLease, null, untilOver(sweep)));
  }
  const folder = join(base, ".gnomic-fleet");
  const holding: Effect.Effect<void, Fault, Scope.Scope> = Effect.gen(function* () {
    const lock = yield* lockRun(folder);
    yield* Effect.raceFirst(hold(base, sweep, worker), lock.lost);
  });
  const once = Effect.scoped(holding).pipe(
    Effect.as(true),
    Effect.catchIf((error) => error instanceof RunLocked, () => Effect.succeed(false)),
  );
  return Effect.gen(function* () {
    yield* makeFolder(folder);
    let told = false;
    while (!(yield* once)) {
      if (!told) worker.say("Another process runs the sweeps of this folder; looking on.");
      told = true;
      const over = yield* withTables(
        base,
        (tables) => Effect.map(tables.findSweep(sweep), (found) => found?.state !== "running"),
      );
      if (over) return;
      yield* Effect.sleep("2 seconds");
    }
  });
};
