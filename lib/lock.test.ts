import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Clock, Deferred, Duration, Effect } from "effect";
import { Files } from "./files.ts";
import { ownIdentity } from "./process-identity.ts";
import { startChild } from "../runtime/testing/child.ts";
import { refusal } from "../runtime/testing/full-disk.ts";
import { withTemporaryFolder } from "../runtime/testing/temporary-folder.ts";
import { lockRun, lockState } from "./lock.ts";

const holdLock = fileURLToPath(new URL("../runtime/testing/hold-lock.ts", import.meta.url));

/** Waits as the test says; a counter's five seconds are told from the others by their length. */
const withWaits = (wait: (seconds: number) => Effect.Effect<void>) => {
  const sleep = (time: Duration.Duration) => wait(Duration.toSeconds(time));
  const clock = Object.assign(Object.create(Effect.runSync(Clock.Clock)), { sleep });
  return Effect.provideService(Clock.Clock, clock as Clock.Clock);
};
const isBeat = (seconds: number) => seconds === 5;

/** Takes the lock and lets go of it. Waiting takes no time, and `meanwhile` is what another does in it. */
const attempt = (folder: string, meanwhile: (seconds: number) => void = () => {}) =>
  Effect.scoped(lockRun(folder)).pipe(
    withWaits((seconds) => isBeat(seconds) ? Effect.never : Effect.sync(() => meanwhile(seconds))),
  );
const take = (folder: string) => Effect.runPromise(attempt(folder));
const refused = (...how: Parameters<typeof attempt>) =>
  Effect.runPromise(Effect.flip(attempt(...how)));
const lockOf = (folder: string) => JSON.parse(readFileSync(join(folder, "lock.json"), "utf8"));

test("is held while the scope is open, and gone afterwards", () =>
  withTemporaryFolder(async (folder) => {
    await Effect.runPromise(Effect.scoped(Effect.gen(function* () {
      const { tookOverFrom } = yield* lockRun(folder);
      assert.equal(tookOverFrom, null);
      assert.equal(lockOf(folder).pid, process.pid);
      assert.deepEqual(yield* lockState(folder), { state: "alive", pid: process.pid });
    })));
    assert.equal(existsSync(join(folder, "lock.json")), false);
    assert.deepEqual(await Effect.runPromise(lockState(folder)), { state: "free" });
  }));

test("a living process is refused to others by its id; killed with -9, its lock is taken over", () =>
  withTemporaryFolder(async (folder) => {
    const child = startChild(holdLock, [folder]);
    await child.line("locked");
    const error = await refused(folder);
    assert.equal(error._tag, "RunLocked");
    assert.equal(error.kind, "user");
    assert.match(error.message, new RegExp(`process ${child.process.pid}\\b.*runs stop`, "s"));

    child.process.kill("SIGKILL");
    await child.ended;
    assert.ok(existsSync(join(folder, "lock.json")), "a killed process leaves its lock");
    assert.deepEqual((await take(folder)).tookOverFrom, { pid: child.process.pid });
  }));

test("of several processes that find a dead lock, one takes it over", () =>
  withTemporaryFolder(async (folder) => {
    const dead = { ...ownIdentity(), pid: 4_000_000, started: "1", token: "x", beat: 3 };
    writeFileSync(join(folder, "lock.json"), JSON.stringify(dead));
    const children = [1, 2, 3].map(() => startChild(holdLock, [folder]));
    const outcomes = await Promise.all(children.map(async (child) => {
      const said = await Promise.race([
        child.line("locked").catch(() => "refused"),
        child.ended.then(() => "refused"),
      ]);
      return said;
    }));
    assert.deepEqual(outcomes.toSorted(), ["locked after 4000000", "refused", "refused"]);
    children.forEach((child) => child.process.kill("SIGKILL"));
    await Promise.all(children.map((child) => child.ended));
  }));

test("a dead lock that another took over meanwhile is that one's", () =>
  withTemporaryFolder(async (folder) => {
    const lock = join(folder, "lock.json");
    const dead = { ...ownIdentity(), pid: 4_000_000, started: "1", token: "x", beat: 3 };
    writeFileSync(lock, JSON.stringify(dead));
    const real = await Effect.runPromise(Files);
    const meanwhile: typeof real = {
      ...real,
      writeFileString: (path, ...rest) => {
        if (path.endsWith(".takeover")) {
          writeFileSync(lock, JSON.stringify({ ...ownIdentity(), token: "theirs", beat: 1 }));
        }
        return real.writeFileString(path, ...rest);
      },
    };
    const error = await Effect.runPromise(
      Effect.flip(Effect.scoped(lockRun(folder))).pipe(Effect.provideService(Files, meanwhile)),
    );
    assert.equal(error._tag, "RunLocked");
    assert.equal(lockOf(folder).token, "theirs");
  }));

const variations: Record<string, object> = {
  "the same process id, started at another time": { started: "1" },
  "the same process id before the machine was started again": { boot: "another boot" },
};
for (const [name, change] of Object.entries(variations)) {
  test(`${name}, is dead`, () =>
    withTemporaryFolder(async (folder) => {
      const other = { ...ownIdentity(), token: "x", beat: 3, ...change };
      writeFileSync(join(folder, "lock.json"), JSON.stringify(other));
      assert.deepEqual((await take(folder)).tookOverFrom, { pid: process.pid });
    }));
}

test("of a machine of the same name that shares the folder, only the counter tells whether it lives", () =>
  withTemporaryFolder(async (folder) => {
    const file = join(folder, "lock.json");
    const other = { ...ownIdentity(), boot: "another boot", token: "x", beat: 3 };
    writeFileSync(file, JSON.stringify(other));
    assert.equal((await Effect.runPromise(lockState(folder))).state, "unknown");
    utimesSync(file, 1000, 1000);
    assert.equal((await Effect.runPromise(lockState(folder))).state, "free", "nobody for years");
    writeFileSync(file, JSON.stringify(other));
    const watched: number[] = [];
    const error = await refused(folder, (seconds) => {
      watched.push(seconds);
      writeFileSync(file, JSON.stringify({ ...other, beat: 4 }));
    });
    assert.equal(error._tag, "RunLocked");
    assert.ok(watched.length === 1 && watched[0] > 2 * 5, `${watched} s: two beats may be late`);
  }));

test("a full disk leaves no lock behind", () =>
  withTemporaryFolder(async (folder) => {
    const real = await Effect.runPromise(Files);
    const full: typeof real = {
      ...real,
      writeFileString: (path) => {
        writeFileSync(path, "");
        return Effect.fail(refusal(path, "ENOSPC"));
      },
    };
    const error = await Effect.runPromise(
      Effect.flip(Effect.scoped(lockRun(folder))).pipe(Effect.provideService(Files, full)),
    );
    assert.equal(error._tag, "DiskFault");
    assert.deepEqual(readdirSync(folder), []);
  }));

test("a torn lock does not block for ever", () =>
  withTemporaryFolder(async (folder) => {
    writeFileSync(join(folder, "lock.json"), '{"pid": 12');
    assert.notEqual((await take(folder)).tookOverFrom, null);
  }));

for (
  const [name, text] of [
    ["half-written", '{"pid": 12'],
    ["of another machine", JSON.stringify({ ...ownIdentity(), host: "x", token: "y", beat: 0 })],
  ] as const
) {
  test(`a takeover that a killed process left, ${name}, does not block for ever`, () =>
    withTemporaryFolder(async (folder) => {
      const dead = { ...ownIdentity(), started: "1", token: "x", beat: 3 };
      writeFileSync(join(folder, "lock.json"), JSON.stringify(dead));
      writeFileSync(join(folder, "lock.json.takeover"), text);
      assert.deepEqual((await take(folder)).tookOverFrom, { pid: process.pid });
      assert.deepEqual(readdirSync(folder), []);
    }));
}

test("who holds it counts in it at each beat, so that others see that it lives", () =>
  withTemporaryFolder((folder) =>
    Effect.runPromise(
      Effect.scoped(Effect.gen(function* () {
        const counted = yield* Deferred.make<void>();
        let waits = 0;
        const beat = Effect.suspend(() =>
          ++waits <= 3
            ? Effect.void
            : Effect.andThen(Deferred.succeed(counted, undefined), Effect.never)
        );
        yield* withWaits((seconds) => isBeat(seconds) ? beat : Effect.never)(lockRun(folder));
        yield* Deferred.await(counted);
        assert.equal(lockOf(folder).beat, 3);
        assert.equal(lockOf(folder).pid, process.pid);
      })),
    )
  ));

test("a lock that somebody else took is noticed and left alone", () =>
  withTemporaryFolder(async (folder) => {
    const theirs = { ...ownIdentity(), token: "theirs", beat: 9 };
    const error = await Effect.runPromise(
      Effect.scoped(Effect.gen(function* () {
        const taken = yield* Deferred.make<void>();
        const { lost } = yield* lockRun(folder).pipe(
          withWaits((seconds) => isBeat(seconds) ? Deferred.await(taken) : Effect.never),
        );
        writeFileSync(join(folder, "lock.json"), JSON.stringify(theirs));
        yield* Deferred.succeed(taken, undefined);
        return yield* Effect.flip(lost);
      })),
    );
    assert.equal(error._tag, "LockLost");
    assert.equal(lockOf(folder).token, "theirs");
  }));
