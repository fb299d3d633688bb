// A machine is killed at each point of a training's way: another goes on, each step is done once, and the result
// and the decisions are those of machines that nobody kills. The trainings are toys. Run by `deno task test:fleet`.
import assert from "node:assert/strict";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { Effect } from "effect";
import { folderBlobs } from "../../fleet/blobs.ts";
import { sendRuns } from "../../fleet/runs-of-sweep.ts";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { fleetTests, postgresForTests } from "./postgres.ts";
import { ask, blobsIn, cameTo, points, toyMachine, untilDone } from "./toy-fleet.ts";
import { chainOf, toyLog, toySteps, toySweep, toyTraining } from "./toy-training.ts";
import { until } from "./until.ts";

const postgres = await postgresForTests({ named: true });

const allSteps = Array.from({ length: toySteps }, (_, i) => i + 1);

test(
  "killed at any point of a training: another ends it, with each step once",
  fleetTests,
  () =>
    withTemporaryFolder(async (folder) => {
      const home = join(folder, "home");
      const sweeps = points.filter((point) => point !== "decision")
        .map((point) => ({ point, plan: toySweep(point, 2, home) }));
      const blobs = await Effect.runPromise(folderBlobs(blobsIn(folder)));
      // One that is to be restored has begun before.
      const begun = sweeps.find(({ point }) => point === "restore")!.plan;
      await Effect.runPromise(
        toyTraining({ machine: "home", stepMs: 0 })({
          ...{ plan: begun, trial: begun.trials[0], base: home },
          segment: { sweep: begun.name, round: 0, trial: 1, until: 4 },
          fit: { fits: true, config: null, overrides: {} },
          ...{ onStep: () => {}, onMoment: () => {}, isLost: () => false },
        }),
      );
      const sent = await ask(() => sendRuns(begun, blobs));
      for (const { plan } of sweeps) {
        await ask((tables) => tables.submit(plan, plan === begun ? sent : []));
      }

      const victims = sweeps.map(({ point, plan }) => ({
        point,
        child: toyMachine(folder, `mortal-${point}`, {
          ...{ sweep: plan.name, dies: point },
          // It is stopped from here, before its last step.
          ...(point === "release" ? { stepMs: 2000 } : {}),
        }),
      }));
      const drained = victims.find(({ point }) => point === "release")!.child;
      await until(() => toyLog(join(folder, "mortal-release", "release-1")).length > 2);
      // Not by the child's own method: Deno then takes its signal for what the child ended by.
      process.kill(drained.process.pid!, "SIGTERM");
      for (const { point, child } of victims) {
        const { stdout, stderr } = await child.ended;
        assert.equal(child.process.signalCode, "SIGKILL", `${point}: ${stdout}${stderr}`);
      }
      const states = await ask((tables) => tables.sweeps);
      const over = states.filter(({ state }) => state !== "running").map(({ name }) => name);
      assert.deepEqual(over, [], "over before its machine was killed");

      const survivor = toyMachine(folder, "survivor", { slots: 4 });
      await untilDone(...sweeps.map(({ plan }) => plan.name));
      survivor.process.kill("SIGTERM");
      const ended = await survivor.ended;
      for (const { point, plan } of sweeps) {
        const { rows, runs, said } = await cameTo(folder, plan);
        assert.deepEqual(said, [], point);
        assert.deepEqual(rows.map(({ trial, state }) => [trial, state]), [[1, "done"], [
          2,
          "done",
        ]]);
        for (const { trial, steps, chain } of runs) {
          assert.deepEqual(steps, allSteps, `${point}: ${ended.stdout}`);
          assert.equal(chain, chainOf(trial), point);
        }
      }
    }),
);

test(
  "killed in a decision: another decides the same, and trains what was decided once",
  fleetTests,
  () =>
    withTemporaryFolder(async (folder) => {
      const plan = toySweep("decision", 6, join(folder, "home"), { rungs: [4], factor: 3 });
      await ask((tables) => tables.submit(plan));
      const victim = toyMachine(folder, "victim", { sweep: "decision", dies: "decision" });
      const { stdout, stderr } = await victim.ended;
      assert.equal(victim.process.signalCode, "SIGKILL", stdout + stderr);
      const before = await ask((tables) => tables.results("decision"));
      assert.deepEqual(
        before.map(({ trial, until }) => [trial, until]),
        [1, 2, 3, 4, 5, 6].map(
          (trial) => [trial, 4],
        ),
      );

      const survivor = toyMachine(folder, "survivor");
      await untilDone("decision");
      survivor.process.kill("SIGTERM");
      await survivor.ended;
      // Losses are 7, 14, 21, 1, 8 and 15: the two best are 4 and 1.
      const offered = postgres!.sql(
        "SELECT id FROM effect_queue WHERE id LIKE 'decision/%' ORDER BY sequence",
      ).trim().split("\n");
      assert.deepEqual(offered.slice(6).toSorted(), ["decision/0/1/end", "decision/0/4/end"]);
      const { board, runs } = await cameTo(folder, plan);
      assert.deepEqual(board.rows.slice(0, 2).map(({ trial, state }) => [trial, state]), [
        [4, "done"],
        [1, "done"],
      ]);
      for (const { trial, steps, chain } of runs) {
        assert.deepEqual(steps, allSteps);
        assert.equal(chain, chainOf(trial));
      }
    }),
);
