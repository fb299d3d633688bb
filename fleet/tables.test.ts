// A plan is read once for a round, a sweep that is made anew has its own, and tables of later are not touched.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { Effect, Layer } from "effect";
import * as SqlClient from "effect/sql/SqlClient";
import { withTemporaryFolder } from "../runtime/testing/temporary-folder.ts";
import { fleetAt } from "./connection.ts";
import { tablesFor } from "./migrations.ts";
import { withTables } from "./open-tables.ts";
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

test("tables of a newer version are left as they are", () =>
  withTemporaryFolder(async (folder) => {
    const fleet = await Effect.runPromise(fleetAt(folder));
    await Effect.runPromise(withTables(fleet, (tables) => tables.submit(planOf(2))));
    await Effect.runPromise(
      Effect.flatMap(SqlClient.SqlClient, (sql) =>
        sql`INSERT INTO gnomic_migrations (migration_id, name) VALUES (99, 'later')`).pipe(
          Effect.provide(fleet.database),
        ),
    );
    const found = Effect.flip(withTables(fleet, (tables) =>
      tables.sweeps));
    const { message, kind } = await Effect.runPromise(found);
    assert.match(message, /found those of a newer one \(99\)\. Update gnomic/);
    assert.equal(kind, "user");
  }));
