// A fleet seen from a machine that has none of its runs: `fleet`, and `runs list | show | compare | stop` by
// the rows and a request, of a sweep that was left to a worker (`--detach`). Run by `deno task test:fleet`.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { gnomic, smallTraining, start } from "../end-to-end/project.ts";
import { fleetTests, postgresForTests } from "./postgres.ts";
import { until } from "./until.ts";

const postgres = await postgresForTests();

test(
  "runs of another machine are listed, shown, compared and stopped",
  fleetTests,
  () =>
    withTemporaryFolder(async (folder) => {
      const env = { GNOMIC_FLEET: postgres!.address };
      const there = join(folder, "there");
      const here = join(folder, "here");
      mkdirSync(here);
      writeFileSync(
        join(folder, "training.yaml"),
        JSON.stringify({
          ...smallTraining,
          ...{ max_train_steps: 100_000, fixed_loss_every: 8, validation_prompts: [] },
          base_output_dir: there,
        }),
      );
      writeFileSync(
        join(folder, "sweep.yaml"),
        JSON.stringify({
          ...{ sweep: "far", pipeline: "sdxl-ti", config: "training.yaml" },
          ...{ matrix: { seed: [1, 2] }, rank: { by: "fixed_loss" } },
        }),
      );
      const json = async (...args: string[]) => {
        const { code, stdout, stderr } = await gnomic([...args, "--output", here, "--json"], {
          env,
        });
        assert.equal(code, 0, stderr);
        return JSON.parse(stdout);
      };
      const left = await gnomic(["sweep", "run", join(folder, "sweep.yaml"), "--detach"], { env });
      assert.equal(left.code, 0, left.stderr);
      assert.match(left.stdout, /sweep show far/);

      const worker = start(["worker", "--name", "w", "--lease", "6"], { env });
      const status = () => json("fleet");
      let now = await status();
      await until(async () => {
        now = await status();
        return now.workers[0]?.doing.some(({ step }: any) => step >= 2);
      });
      assert.deepEqual(now.workers.map(({ worker, slots }: any) => [worker, slots]), [["w", 1]]);
      const { run: training } = now.workers[0].doing[0];
      assert.deepEqual(now.waiting.map(({ sweep, why }: any) => [sweep, why]), [
        ["far", "the only slot that could train it is busy"],
      ]);

      const listed = await json("runs", "list");
      assert.deepEqual(listed.map(({ sweep, state }: any) => [sweep, state]).toSorted(), [
        ["far", "training"],
        ["far", "waiting"],
      ]);
      const waiting = listed.find(({ name }: any) => name !== training).name;
      const shown = await json("runs", "show", training);
      assert.deepEqual([shown.machine, shown.state], ["w", "training"]);
      const compared = await json("runs", "compare", training, waiting);
      assert.deepEqual(compared.overrides.map(({ key }: any) => key), ["seed"]);

      const idle = await gnomic(["runs", "stop", waiting, "--output", here], { env });
      assert.equal(idle.code, 2);
      assert.match(idle.stderr, /found it is waiting/);
      await json("runs", "save", training);
      await json("runs", "stop", training);
      const state = async (name: string) => (await json("runs", "show", name)).state;
      await until(async () => await state(training) !== "training");
      assert.equal(await state(training), "cancelled");
      worker.process.kill("SIGTERM");
      assert.equal((await worker.ended).code, 143);
      assert.deepEqual((await status()).workers, []);
    }),
);
