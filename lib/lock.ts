// One process at a time in a run folder: `lock.json` names it (process id, its start time, the boot), and
// counts up while it lives. A lock whose process is dead is taken over, and that is said.
// The trap: no clock is asked. Of a process on another host we only see whether its counter moves.
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { Deferred, Effect, Schedule, Schema } from "effect";
import { atomicWrite } from "./atomic-write.ts";
import { diskFault, errnoOf } from "./disk-fault.ts";
import { type Fault, fault } from "./fault.ts";
import { Files } from "./files.ts";
import { writtenAt } from "./look.ts";
import { lives, ownIdentity, ProcessIdentity } from "./process-identity.ts";

export class RunLocked extends fault("RunLocked", "user") {}
export class LockLost extends fault("LockLost", "world") {}

const Holder = Schema.Struct({
  ...ProcessIdentity.fields,
  token: Schema.String,
  beat: Schema.Int,
});
export type Holder = typeof Holder.Type;
const HolderJson = Schema.fromJsonString(Holder);

const beatEvery = "5 seconds";
const watchFor = "12 seconds";
const hourMs = 3_600_000;

const lockFile = (runDir: string) => join(runDir, "lock.json");

/** Undefined: no lock. Null: a torn one. */
const read = (path: string): Effect.Effect<Holder | null | undefined, Fault> =>
  Effect.gen(function* () {
    const files = yield* Files;
    return yield* files.readFileString(path).pipe(
      Effect.flatMap(Schema.decodeEffect(HolderJson)),
      Effect.catch((error) =>
        error._tag === "SchemaError"
          ? Effect.succeed(null)
          : errnoOf(error) === "ENOENT"
          ? Effect.succeed(undefined)
          : Effect.fail(diskFault(path, "to read the lock")(error))
      ),
    );
  });

const remove = (path: string) =>
  Effect.flatMap(Files, (files) => Effect.ignore(files.remove(path, { force: true })));

/** Makes the file unless it is there. */
const create = (path: string, holder: Holder): Effect.Effect<boolean, Fault> =>
  Effect.gen(function* () {
    const files = yield* Files;
    return yield* files.writeFileString(path, JSON.stringify(holder), { flag: "wx" }).pipe(
      Effect.as(true),
      Effect.catch((error) =>
        errnoOf(error) === "EEXIST" ? Effect.succeed(false) : Effect.andThen(
          // Made, and then not filled: nobody holds it.
          Effect.flatMap(read(path), (left) => left === null ? remove(path) : Effect.void).pipe(
            Effect.ignore,
          ),
          Effect.fail(diskFault(path, "to lock the run")(error)),
        )
      ),
    );
  });

/** Of another host: dead if its counter stands still while we watch. */
const watched = (path: string, holder: Holder) =>
  Effect.gen(function* () {
    yield* Effect.sleep(watchFor);
    const later = yield* read(path);
    return later?.token === holder.token && later.beat === holder.beat ? "dead" : "alive";
  });

const judge = (path: string, holder: Holder) => {
  const state = lives(holder);
  return state === "unknown" ? watched(path, holder) : Effect.succeed(state);
};

const alone = "this run for this process alone";

/** Whether a process that said this could not have the lock: all that who started it hears of it. */
export const saysLocked = (text: string): boolean => text.includes(alone);

const locked = (runDir: string, holder: Holder) =>
  new RunLocked({
    file: runDir,
    wanted: alone,
    found: holder.host === ownIdentity().host
      ? `process ${holder.pid}, which works in it`
      : `process ${holder.pid} of another machine, which works in it`,
    fix: "Wait for it, stop it with `runs stop`, or choose another folder with --output.",
  });

/** Whether a process that was taking over died meanwhile. Alive, it is done at once. */
const abandoned = (turn: string) =>
  Effect.gen(function* () {
    const other = yield* read(turn);
    if (other === undefined) return false;
    if (other !== null) return (yield* judge(turn, other)) === "dead";
    // Written this very moment, or left half-written by a crash.
    yield* Effect.sleep("1 second");
    return (yield* read(turn)) === null;
  });

/** Whoever made `.takeover` replaces the lock of the dead process; the others wait. */
const takeOver = (runDir: string, dead: Holder | null, mine: Holder) =>
  Effect.gen(function* () {
    const path = lockFile(runDir);
    const turn = `${path}.takeover`;
    if (!(yield* create(turn, mine))) {
      if (yield* abandoned(turn)) yield* remove(turn);
      return false;
    }
    return yield* Effect.gen(function* () {
      const now = yield* read(path);
      if (now !== undefined && now?.token !== dead?.token) return false;
      yield* atomicWrite(path, JSON.stringify(mine), { what: "the lock" });
      return true;
    }).pipe(Effect.ensuring(remove(turn)));
  });

export interface Lock {
  /** The dead process whose lock was taken over; `pid` is null where it died while it wrote the lock. */
  readonly tookOverFrom: { readonly pid: number | null } | null;
  /** Fails when somebody else has the lock; else never ends. */
  readonly lost: Effect.Effect<never, Fault>;
}

const obtain = Effect.fnUntraced(function* (runDir: string, mine: Holder) {
  const path = lockFile(runDir);
  let torn = 0;
  for (;;) {
    if (yield* create(path, mine)) return null;
    const holder = yield* read(path);
    if (holder === undefined) continue;
    if (holder === null) {
      // Written this very moment, or left half-written by a crash.
      if (torn++ < 20) yield* Effect.sleep("100 millis");
      else if (yield* takeOver(runDir, null, mine)) return { pid: null };
      continue;
    }
    if ((yield* judge(path, holder)) === "alive") {
      return yield* Effect.fail<Fault>(locked(runDir, holder));
    }
    if (yield* takeOver(runDir, holder, mine)) return { pid: holder.pid };
    yield* Effect.sleep("50 millis");
  }
});

/** Holds the lock until the scope closes. Fails with `RunLocked`. */
export const lockRun = Effect.fnUntraced(function* (runDir: string) {
  const path = lockFile(runDir);
  const mine: Holder = { ...ownIdentity(), token: randomUUID(), beat: 0 };
  const isMine = Effect.map(read(path), (holder) => holder?.token === mine.token);
  const lost = yield* Deferred.make<never, Fault>();

  const tookOverFrom = yield* Effect.acquireRelease(
    obtain(runDir, mine),
    () => Effect.ignore(Effect.flatMap(isMine, (held) => held ? remove(path) : Effect.void)),
  );

  let beat = 0;
  yield* Effect.gen(function* () {
    if (!(yield* isMine)) {
      return yield* Deferred.fail(
        lost,
        new LockLost({
          file: path,
          wanted: "the lock that this process took",
          found: "another's",
          fix: "Another process took this run over. Look which one should go on.",
        }),
      );
    }
    beat++;
    yield* atomicWrite(path, JSON.stringify({ ...mine, beat }), { what: "the lock" });
    // The first beat comes later: what the lock is held for may be renaming its folder.
  }).pipe(Effect.ignore, Effect.schedule(Schedule.spaced(beatEvery)), Effect.forkScoped);

  return { tookOverFrom, lost: Deferred.await(lost) } satisfies Lock;
});

/** Who works in a run folder now, judged without waiting; "unknown" is a process of another host. */
export const lockState = (runDir: string): Effect.Effect<
  { readonly state: "free" } | { readonly state: "alive" | "unknown"; readonly pid: number },
  Fault
> =>
  Effect.gen(function* () {
    const path = lockFile(runDir);
    const holder = yield* read(path);
    if (holder === undefined || holder === null) return { state: "free" };
    const state = lives(holder);
    // Of before this machine was started again, if it is of this one at all.
    const abandoned = state === "unknown" && holder.host === ownIdentity().host &&
      (yield* isOld(path));
    return state === "dead" || abandoned ? { state: "free" } : { state, pid: holder.pid };
  });

/** Nobody counted in it for so long that no difference of clocks explains it. */
const isOld = (path: string) =>
  Effect.map(writtenAt(path), (at = Infinity) => Date.now() - at > hourMs);
