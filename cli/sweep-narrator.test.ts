// What is said of a sweep while its database is away for a moment: nothing, and then what was missed.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { Effect, Fiber, Layer } from "effect";
import { ConnectionError, SqlError } from "effect/sql/SqlError";
import { fleetAt } from "../fleet/connection.ts";
import { withTables } from "../fleet/open-tables.ts";
import { planOf } from "../fleet/testing/toy-sweeps.ts";
import { withTemporaryFolder } from "../runtime/testing/temporary-folder.ts";
import { narrate } from "./sweep-narrator.ts";

const away = new SqlError({ reason: new ConnectionError({ cause: null, operation: "connect" }) });

test("a result that came while the database was away is said when it is back, and in each round again", () =>
  withTemporaryFolder((folder) =>
    Effect.runPromise(Effect.gen(function* () {
      const fleet = yield* fleetAt(join(folder, "runs"));
      const record = (trial: number, round: number) =>
        withTables(fleet, (tables) =>
          tables.record(
            { sweep: "s", round, trial, until: null },
            { outcome: "cancelled", step: 7 },
          ));
      yield* withTables(fleet, (tables) => tables.submit(planOf(2)));
      let looks = 0;
      const awayAtSecond = Layer.unwrap(
        Effect.sync(() => ++looks === 2 ? Layer.effectDiscard(Effect.fail(away)) : Layer.empty),
      ).pipe(Layer.provideMerge(fleet.database), Layer.fresh);
      const said: string[] = [];
      const shared = { ...fleet, database: awayAtSecond };
      const screen = { isTTY: false, write: () => true };
      const narrator = yield* Effect.forkChild(
        narrate(shared, "s", (line) => said.push(line), screen),
      );
      while (looks < 2) yield* Effect.sleep("20 millis");
      for (const round of [0, 1]) {
        yield* record(1, round);
        while (said.length === round) {
          assert.equal(narrator.pollUnsafe(), undefined, "it ended");
          yield* Effect.sleep("20 millis");
        }
      }
      yield* Fiber.interrupt(narrator);
      assert.deepEqual(said, Array(2).fill("trial 1 cancelled at step 7"));
    }))
  ));
