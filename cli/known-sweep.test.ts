// A sweep's name in the tables: its own, or one with its digest where another has it, also one that comes at the
// same moment; and that what is said of the difference names it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Effect } from "effect";
import { fleetAt } from "../fleet/connection.ts";
import { withTables } from "../fleet/open-tables.ts";
import { planOf } from "../fleet/testing/toy-sweeps.ts";
import { withTemporaryFolder } from "../runtime/testing/temporary-folder.ts";
import { differences, enterSweep } from "./known-sweep.ts";

const snapshot = { digest: "d", bytes: 1, step: 3 };
const [mine, theirs] = [planOf(2, { digest: "mine" }), planOf(3, { digest: "theirs" })];

test("of two sweeps of one name that come at once each gets its own, with the runs that it brought", () =>
  withTemporaryFolder((folder) =>
    Effect.runPromise(Effect.gen(function* () {
      const fleet = yield* fleetAt(folder);
      const tried: string[] = [];
      let isFirst = true;
      const name = yield* enterSweep(fleet, mine, (place) =>
        tried.push(place.name), () =>
        Effect.gen(function* () {
          // While this one sends its runs.
          if (isFirst) {
            yield* withTables(fleet, (tables) =>
              tables.submit(theirs));
          }
          isFirst = false;
          return [{ trial: 1, snapshot }];
        }));
      assert.deepEqual([name, ...tried], ["s-mine", "s", "s-mine"]);
      const rows = (sweep: string) =>
        withTables(fleet, (tables) =>
          Effect.map(tables.runs(sweep), (all) =>
            all.map(({ trial, step }) => [trial, step])));
      assert.deepEqual(yield* rows("s"), []);
      assert.deepEqual(yield* rows("s-mine"), [[1, 3]]);
      const again = enterSweep(fleet, mine, () => {}, () =>
        Effect.succeed([]));
      assert.equal(yield* again, "s-mine");
      const all = yield* withTables(fleet, (tables) =>
        tables.sweeps);
      assert.deepEqual(all.map(({ name, plan }) => [name, plan.trials.length]).toSorted(), [
        ["s", 3],
        ["s-mine", 2],
      ]);
    }))
  ));

test("what sweeps of one name have otherwise is said, whatever it is", () => {
  for (
    const more of [
      { parallel: 2 },
      { priority: "high" },
      { attempts: 5 },
      { stopAfterFailures: 1 },
      { per: ["seed"] },
      { base: "/elsewhere" },
    ] as const
  ) {
    const [key, value] = Object.entries(more)[0];
    const said = differences(mine, { ...mine, ...more });
    assert.ok(said.startsWith(`${key} `) && said.endsWith(`-> ${JSON.stringify(value)}`), said);
  }
  assert.equal(differences(mine, planOf(3)), "1 trials more and 0 less");
  assert.equal(differences(mine, mine), "what its configuration means");
});
