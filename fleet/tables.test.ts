// A plan is read once for a round, and a sweep that is made anew has its own.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { Effect, Layer } from "effect";
import { withTemporaryFolder } from "../runtime/testing/temporary-folder.ts";
import { tablesFor } from "./migrations.ts";
import { sqliteLayer } from "./sqlite.ts";
import { Tables } from "./tables.ts";
import { planOf } from "./testing/toy-sweeps.ts";

test("a sweep that was deleted and made anew has its new plan at once; only what runs is running", () =>
  withTemporaryFolder((folder) =>
    Effect.runPromise(
      Effect.gen(function* () {
        const tables = yield* Tables;
        const trials = Effect.map(tables.findSweep("s"), (sweep) => sweep?.plan.trials.length);
        yield* tables.submit(planOf(2));
        yield* tables.submit(planOf(3));
        assert.equal(yield* trials, 2, "the one that is there stays");
        assert.equal(yield* tables.end("s", "done"), true);
        assert.equal(yield* tables.end("s", "cancelled"), false, "it is done");
        assert.deepEqual(yield* tables.running, []);
        yield* tables.nextRound("s", 0);
        assert.equal(yield* trials, 2);
        assert.equal(yield* tables.remove("s"), false, "it runs");
        assert.equal(yield* trials, 2);
        assert.equal(yield* tables.end("s", "cancelled"), true);
        assert.equal(yield* tables.remove("s"), true);
        assert.equal(yield* tables.findSweep("s"), null);
        yield* tables.submit(planOf(3));
        assert.equal(yield* trials, 3);
        assert.deepEqual((yield* tables.sweeps).map(({ plan }) => plan.trials.length), [3]);
        assert.deepEqual(yield* tables.running, [{ name: "s", round: 2 }]);
      }).pipe(
        Effect.provide(
          Tables.layer.pipe(
            Layer.provide(tablesFor(false)),
            Layer.provide(sqliteLayer(join(folder, "fleet.db"))),
          ),
        ),
      ) as Effect.Effect<void>,
    )
  ));
