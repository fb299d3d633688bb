// Of two workers that find one dead of their name only one enters, and who lost its name to another says
// nothing in its place; one whose engine does not start is on no list; on a file.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { Duration, Effect, Layer } from "effect";
import { withTemporaryFolder } from "../runtime/testing/temporary-folder.ts";
import { ownIdentity } from "../lib/process-identity.ts";
import { fleetAt } from "./connection.ts";
import { enterFleet } from "./enter.ts";
import { leftItems } from "./left-items.ts";
import { Members, type WorkerAbout } from "./members.ts";
import { withTables } from "./open-tables.ts";
import { present } from "./presence.ts";
import { joinFleet } from "./sweep-session.ts";
import { reaching } from "./testing/toy-sweeps.ts";

const about = (pid: number, more: Partial<WorkerAbout> = {}): WorkerAbout => ({
  ...{ machine: "m", pid, slots: 1, tool: "gnomic 1", versions: {}, customStages: false },
  ...more,
});
const dead = { ...ownIdentity(), started: "another" };

const onFile = <A>(work: Effect.Effect<A, unknown, Members>) =>
  withTemporaryFolder((folder) =>
    Effect.runPromise(
      Effect.flatMap(fleetAt(join(folder, "runs")), (fleet) => withTables(fleet, () => work)),
    )
  );

test("two find the name of a dead worker: one enters, the other is refused", () =>
  onFile(Effect.gen(function* () {
    const members = yield* Members;
    yield* members.announce("w", about(1, { identity: dead }));
    const before = yield* members.all;
    const asItWas = Effect.provideService(
      Effect.flip(enterFleet("w", about(3), 120)),
      Members,
      { ...members, all: Effect.succeed(before) },
    );
    yield* enterFleet("w", about(2), 120);
    assert.match((yield* asItWas).message, /a name that no other worker of the fleet has/);
    assert.deepEqual((yield* members.all).map((each) => each.about.pid), [2]);
  })));

test("a worker that froze and lost its name ends, and neither writes nor removes its successor's row", () =>
  onFile(Effect.gen(function* () {
    const members = yield* Members;
    const frozen = about(1, { identity: dead });
    yield* members.announce("w", frozen);
    const next = yield* enterFleet("w", about(2), 120);
    assert.equal(yield* members.announce("w", frozen), false);
    const presence = { about: frozen, steer: () => Effect.void };
    const goesOn = present({ name: "w", presence, left: leftItems() });
    assert.match((yield* Effect.flip(goesOn)).message, /--name: .*another worker.* took it/);
    yield* members.leave("w", frozen);
    assert.deepEqual((yield* members.all).map((each) => each.about), [next]);
    assert.equal(yield* members.announce("w", { ...next, slots: 2 }), true);
    assert.deepEqual((yield* members.all).map((each) => each.about.slots), [2]);
    yield* members.leave("w", next);
    assert.deepEqual(yield* members.all, []);
  })));

test("a worker whose engine does not start is off the list at once", () =>
  withTemporaryFolder((folder) =>
    Effect.runPromise(Effect.gen(function* () {
      const fleet = yield* fleetAt(join(folder, "runs"));
      const listed = Effect.orDie(
        withTables(fleet, () => Effect.flatMap(Members, ({ all }) => all)),
      );
      let opened = 0;
      let found = 0;
      const broken = Layer.effectDiscard(
        Effect.flatMap(listed, ({ length }) => {
          found = length;
          return Effect.fail(new Error("no memory") as never);
        }),
      );
      // The tables are opened to enter, then by the engine.
      const database = Layer.unwrap(
        Effect.sync(() => ++opened === 2 ? Layer.provide(fleet.database, broken) : fleet.database),
      );
      const worker = {
        ...{ name: "w", slots: 1, train: reaching([]), say: () => {} },
        presence: { about: about(1), steer: () => Effect.void },
      };
      const joined = joinFleet({ ...fleet, database }, Duration.seconds(3), worker, Effect.never);
      assert.match((yield* Effect.flip(joined)).message, /no memory/);
      assert.deepEqual([found, yield* listed], [1, []]);
    }))
  ));
