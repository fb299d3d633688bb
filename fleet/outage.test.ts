// After an outage nothing is taken for a lease, by no slot, whichever of them noticed it; with a test clock.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Duration, Effect, Fiber } from "effect";
import { ConnectionError, SqlError } from "effect/sql/SqlError";
import { TestClock } from "effect/testing";
import { type Outage, watchOutages } from "./outage.ts";
import { queueOf } from "./queues.ts";
import { nextQueue } from "./waiting.ts";

const lease = Duration.seconds(6);
const queue = queueOf({ priority: "normal" }, { needs: { provider: null, memory: 8 } });
const item = {
  queue,
  element: JSON.stringify({ segment: { sweep: "s", round: 0, trial: 1, until: null } }),
};
const refused = new SqlError({
  reason: new ConnectionError({ cause: null, operation: "execute" }),
});

/** A database that is away, with one item that nobody seems to hold, and who watches it. */
const away = Effect.gen(function* () {
  let there = false;
  const said: string[] = [];
  const outage = yield* watchOutages(lease, (line) => said.push(line));
  const ask = Effect.suspend(() => there ? Effect.succeed([item]) : Effect.fail(refused));
  return { ask, comes: () => void (there = true), outage, said };
});

const slot = (outage: Outage, look: Effect.Effect<readonly (typeof item)[], SqlError>) =>
  Effect.forkChild(
    nextQueue(
      look,
      { lookEvery: Duration.seconds(1), outage },
      () => () => Effect.succeed(true),
    ),
  );
const isOver = (fiber: Fiber.Fiber<unknown, unknown>) => fiber.pollUnsafe() !== undefined;
const run = <A, E>(work: Effect.Effect<A, E>) =>
  Effect.runPromise(Effect.provide(work, TestClock.layer()));

/** The same, that needs five seconds for each answer. */
const slow = Effect.delay(Effect.succeed([item]), "5 seconds");

test("an idle slot takes nothing for one lease after the database is back", () =>
  run(Effect.gen(function* () {
    const { ask, comes, outage, said } = yield* away;
    const idle = yield* slot(outage, ask);
    yield* TestClock.adjust("30 seconds");
    comes();
    yield* TestClock.adjust("6 seconds"); // it asks again within half a second
    assert.equal(isOver(idle), false);
    yield* TestClock.adjust("2 seconds");
    assert.equal(yield* Fiber.join(idle), queue);
    assert.deepEqual(said.map((line) => line.split(";")[0]), [
      "The database is away",
      "The database is back.",
    ]);
  })));

test("nor does a slot that was busy meanwhile; both say it once", () =>
  run(Effect.gen(function* () {
    const { ask, comes, outage, said } = yield* away;
    const renewing = yield* Effect.forkChild(outage.outlast(ask));
    const publishing = yield* Effect.forkChild(outage.outlast(ask));
    yield* TestClock.adjust("30 seconds");
    comes();
    yield* TestClock.adjust("1 second");
    yield* Fiber.join(renewing);
    yield* Fiber.join(publishing);
    const free = yield* slot(outage, ask);
    yield* TestClock.adjust("4 seconds");
    assert.equal(isOver(free), false);
    yield* TestClock.adjust("2 seconds");
    assert.equal(yield* Fiber.join(free), queue);
    assert.equal(said.length, 2);
  })));

test("one connection that breaks after the return is no outage", () =>
  run(Effect.gen(function* () {
    const { ask, comes, outage, said } = yield* away;
    const renewing = yield* Effect.forkChild(outage.outlast(ask));
    yield* TestClock.adjust("30 seconds");
    comes();
    yield* TestClock.adjust("1 second");
    yield* Fiber.join(renewing);
    let broken = true;
    const looking = yield* Effect.forkChild(outage.outlast(Effect.suspend(() => {
      if (!broken) return ask;
      broken = false;
      return Effect.fail(refused);
    })));
    yield* TestClock.adjust("1 second");
    yield* Fiber.join(looking);
    assert.equal(said.length, 2, said.join("\n"));
  })));

test("nor does a slot that heard nothing for a third of a lease: others could not renew either", () =>
  run(Effect.gen(function* () {
    const outage = yield* watchOutages(lease, () => {});
    const idle = yield* slot(outage, slow);
    yield* TestClock.adjust("10 seconds"); // it answers at 5 and 11
    assert.equal(isOver(idle), false);
    // Then the lease is over, and that this answer is late, too, counts no more.
    yield* TestClock.adjust("1 second");
    assert.equal(yield* Fiber.join(idle), queue);
  })));
