// One process that runs the sweeps of a folder: it holds the fleet's lock, the engine and a worker. Whoever
// comes second looks on, and takes over when the first is gone.
// The trap: the lock is a run's lock, by the same rules; only who holds it opens the engine.
import { join } from "node:path";
import { Duration, Effect, type Scope } from "effect";
import { makeFolder } from "../lib/atomic-write.ts";
import { type Fault, fault } from "../lib/fault.ts";
import { lockRun, RunLocked } from "../lib/lock.ts";
import { embeddedLayer, embeddedLease, tablesLayer } from "./engine.ts";
import { Sweep } from "./sweep-workflow.ts";
import { Tables } from "./tables.ts";
import { runWorker, type WorkerOptions } from "./worker.ts";

export class FleetFault extends fault("FleetFault", "world") {}
export class WorkerIll extends fault("WorkerIll", "world") {}

export const fleetFile = (base: string): string => join(base, ".gnomic-fleet.db");

const lookEvery = "500 millis";

/** What went wrong with the database, in one line. */
const asFleetFault = (file: string) => (cause: unknown): Fault =>
  new FleetFault({
    file,
    wanted: "to read and write the sweeps of this folder",
    found: (cause as Error).message,
    fix: "Look at the disk; the runs themselves are whole.",
    cause,
  });

/** Looks at the tables, or says something to who runs the sweeps. */
export const withTables = <A>(
  base: string,
  use: (tables: Tables["Service"]) => Effect.Effect<A, unknown>,
): Effect.Effect<A, Fault> =>
  Effect.gen(function* () {
    yield* makeFolder(base);
    const file = fleetFile(base);
    return yield* Effect.flatMap(Tables, use).pipe(
      Effect.provide(tablesLayer(file)),
      Effect.mapError(asFleetFault(file)),
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

/**
 * Runs a sweep to its end, or looks on while another process does. Interrupted, its trainings end after the
 * step they are in, and the sweep stays where it is.
 */
export const runToEnd = (
  base: string,
  sweep: string,
  worker: Omit<WorkerOptions, "lease">,
): Effect.Effect<void, Fault> => {
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
