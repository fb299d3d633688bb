// One process that runs the sweeps of a folder: it holds the fleet's lock, the engine and a worker. Whoever
// comes second looks on, and takes over when the first is gone.
// The trap: the lock is a run's lock, by the same rules; only who holds it opens the engine.
import { Duration, Effect, Fiber, Logger, type Scope } from "effect";
import { makeFolder } from "../lib/atomic-write.ts";
import { type Fault, fault } from "../lib/fault.ts";
import { lockRun, RunLocked } from "../lib/lock.ts";
import { asFailure } from "./broken-connection.ts";
import { embeddedLayer, sharedLayer } from "./engine.ts";
import type { Fleet } from "./connection.ts";
import { fleetFile, fleetFolder } from "./fleet-files.ts";
import { embeddedLease, sharedLease } from "./leases.ts";
import { leftItems } from "./left-items.ts";
import { enterFleet } from "./enter.ts";
import { Members } from "./members.ts";
import { grant, migrate } from "./migrations.ts";
import { asFleetFault, withTables } from "./open-tables.ts";
import { outlast } from "./outlast.ts";
import { type Presence, present } from "./presence.ts";
import { Sweep } from "./sweep-workflow.ts";
import { Tables } from "./tables.ts";
import { runWorker, type WorkerOptions } from "./worker.ts";

export class WorkerIll extends fault("WorkerIll", "world") {}

export interface SessionWorker extends Omit<WorkerOptions, "lease" | "left"> {
  readonly presence: Presence;
}

const lookEvery = "500 millis";
const leaveWithin = "2 seconds";

/** Makes the tables of a PostgreSQL as their owner, and gives a role its rights; what was made. */
export const migrateTables = (
  { database, shown }: Fleet,
  role: string | null,
): Effect.Effect<readonly string[], Fault> =>
  Effect.tap(migrate, role === null ? Effect.void : grant(role)).pipe(
    Effect.provide(database),
    Effect.provide(Logger.layer([])),
    Effect.catchDefect((cause) => Effect.fail(cause)),
    Effect.mapError(asFleetFault(shown)),
  );

/** Every sweep that is to run gets its workflow, whoever asked for it. */
const startSweeps = Effect.gen(function* () {
  const tables = yield* Tables;
  const started = new Set<string>();
  for (;;) {
    for (const { name, round } of yield* outlast(tables.running)) {
      const key = `${name}/${round}`;
      if (started.has(key)) continue;
      const asked = yield* Effect.exit(Sweep.execute({ sweep: name, round }, { discard: true }));
      if (asked._tag === "Success") started.add(key); // else the database went away meanwhile
    }
    yield* Effect.sleep("2 seconds");
  }
});

const isOver = (sweep: string, say: (line: string) => void) =>
  Effect.gen(function* () {
    const found = yield* outlast(
      Effect.flatMap(Tables, (tables) => tables.findSweep(sweep)),
      {
        away: () => say("The database is away; asking again. Trainings go on."),
        back: () => say("The database is back."),
      },
    );
    return found?.state !== "running";
  });

const untilOver = (sweep: string, say: (line: string) => void) =>
  Effect.gen(function* () {
    while (!(yield* isOver(sweep, say))) yield* Effect.sleep(lookEvery);
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

const hold = (base: string, sweep: string, worker: SessionWorker) => {
  const file = fleetFile(base);
  return Effect.scoped(Effect.gen(function* () {
    const left = leftItems();
    const about = { ...worker.presence.about, lease: Duration.toSeconds(embeddedLease) };
    const presence = { ...worker.presence, about };
    const others = (yield* (yield* Tables).running).filter(({ name }) => name !== sweep);
    for (const { name } of others) {
      worker.say(
        `Also trains ${name}, which runs in this folder; \`sweep cancel ${name}\` ends it.`,
      );
    }
    yield* Effect.forkScoped(startSweeps);
    yield* Effect.forkScoped(present({ ...worker, presence, left }));
    const ended = yield* Effect.raceFirst(
      Effect.tap(untilOver(sweep, worker.say), untilIdle(sweep)),
      Effect.as(runWorker({ ...worker, left, lease: embeddedLease }), "ill" as const),
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
  fleet: Fleet,
  lease: Duration.Duration,
  worker: SessionWorker | null,
  until: Effect.Effect<A, unknown, Tables>,
): Effect.Effect<A, Fault> =>
  Effect.gen(function* () {
    const about = worker === null ? null : yield* withTables(
      fleet,
      () => enterFleet(worker.name, worker.presence.about, Duration.toSeconds(lease)),
    );
    const taking = Effect.gen(function* () {
      yield* Effect.forkScoped(startSweeps);
      if (worker === null || about === null) return yield* until;
      const left = leftItems();
      const presence = { ...worker.presence, about };
      // It is on the list until what it trains has ended.
      const there = yield* Effect.forkScoped(present({ ...worker, presence, left }));
      const working = Effect.andThen(
        runWorker({ ...worker, left, lease }),
        new WorkerIll({
          wanted: "trainings that work on this machine",
          found: "three in a row that failed",
          fix: "`sweep show` lists what they said; then start the worker again.",
        }),
      );
      return yield* Effect.raceFirst(until, Effect.raceFirst(working, Fiber.join(there)));
    });
    // One that is on the list and whose engine does not start would be waited for.
    const leave = worker === null || about === null ? Effect.void : withTables(
      fleet,
      () => Effect.flatMap(Members, (members) => members.leave(worker.name, about)),
    );
    return yield* Effect.scoped(taking).pipe(
      Effect.provide(sharedLayer(fleet.database, lease)),
      asFailure,
      Effect.mapError(asFleetFault(fleet.shown)),
      Effect.onError(() => Effect.ignore(Effect.timeout(leave, leaveWithin))),
    );
  });

/**
 * Runs a sweep to its end, or looks on while another process does. Interrupted, its trainings end after the
 * step they are in, and the sweep stays where it is.
 */
export const runToEnd = (
  fleet: Fleet,
  sweep: string,
  worker: SessionWorker,
): Effect.Effect<void, Fault> => {
  const { base, shared, shown } = fleet;
  if (shared) {
    worker.say(`Workers of ${shown} train it; \`worker\` starts one.`);
    return Effect.asVoid(joinFleet(fleet, sharedLease, null, untilOver(sweep, worker.say)));
  }
  const folder = fleetFolder(base);
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
        fleet,
        (tables) => Effect.map(tables.findSweep(sweep), (found) => found?.state !== "running"),
      );
      if (over) return;
      yield* Effect.sleep("2 seconds");
    }
  });
};
