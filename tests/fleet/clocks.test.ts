// Machines whose clocks are an hour ahead and an hour behind, and one that is right: nothing changes hands, nobody is
// taken for silent, and what a killed one had is taken over. The trainings are toys. Run by `deno task test:fleet`.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { Effect } from "effect";
import { fleetFacts, fleetStatus } from "../../fleet/fleet-status.ts";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { fleetTests, postgresForTests } from "./postgres.ts";
import { ask, cameTo, toyLease, toyMachine, untilDone } from "./toy-fleet.ts";
import { chainOf, toySweep } from "./toy-training.ts";
import { until } from "./until.ts";

const postgres = await postgresForTests({ named: true });

/** More than two leases take, from the moment at which the last machine is there. */
const steps = 80;

test(
  "clocks an hour wrong: only the database's is asked",
  fleetTests,
  () =>
    withTemporaryFolder(async (folder) => {
      const plan = toySweep("clocks", 3, join(folder, "home"), { steps });
      await ask((tables) => tables.submit(plan));
      const machines = [["ahead", 1], ["behind", -1], ["right", 0]].map(([name, hours]) =>
        toyMachine(folder, String(name), {
          stepMs: 400,
          env: { GNOMIC_TEST_CLOCK: String(hours) },
        })
      );
      const fences = () =>
        postgres!.sql("SELECT trial, fence FROM gnomic_runs ORDER BY trial").trim().split("\n");
      await until(() =>
        ask((tables) =>
          Effect.map(
            tables.runs("clocks"),
            (runs) => runs.filter(({ worker }) => worker !== "").length === 3,
          )
        )
      );
      // For two leases, by the database's clock.
      const since = Number(postgres!.sql("SELECT max(seen_at) FROM gnomic_runs"));
      const later = () => Number(postgres!.sql("SELECT min(seen_at) FROM gnomic_runs"));
      await until(() => later() > since + 2000 * toyLease);
      assert.deepEqual(fences(), ["1|1", "2|1", "3|1"]);
      const { workers } = await ask(() => Effect.map(fleetFacts, fleetStatus));
      assert.deepEqual(
        workers.map(({ worker, silent, doing }) => [worker, silent, doing.length]),
        ["ahead", "behind", "right"].map((name) => [name, false, 1]),
      );

      machines[0].process.kill("SIGKILL");
      await machines[0].ended;
      await untilDone("clocks");
      for (const { process } of machines.slice(1)) process.kill("SIGTERM");
      for (const { ended } of machines.slice(1)) await ended;
      assert.deepEqual(fences().filter((row) => row.endsWith("|1")).length, 2);
      const { rows, runs } = await cameTo(folder, plan);
      assert.deepEqual(rows.map(({ state }) => state), ["done", "done", "done"]);
      for (const { trial, steps: taken, chain } of runs) {
        assert.deepEqual(taken, Array.from({ length: steps }, (_, i) => i + 1));
        assert.equal(chain, chainOf(trial, steps));
      }
    }),
);
