// A fleet over a real PostgreSQL: two workers of which one is killed, and what a wrong password says. Run by
// `deno task test:fleet`; the trainings are real and take minutes.
import assert from "node:assert/strict";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { gnomic, resultsOf, smallTraining, start, stepsOf } from "../end-to-end/project.ts";
import { isAlive, trainerOf } from "./machines.ts";
import { fleetTests, postgresForTests } from "./postgres.ts";
import { until } from "./until.ts";

const options = fleetTests;
const postgres = await postgresForTests();

/** So many that it can be killed before its last. */
const steps = 50;

function sweepFile(folder: string): string {
  const output = join(folder, "output");
  const training = { max_train_steps: steps, fixed_loss_every: 8, validation_prompts: [] };
  writeFileSync(
    join(folder, "training.yaml"),
    JSON.stringify({ ...smallTraining, ...training, base_output_dir: output }),
  );
  const file = join(folder, "sweep.yaml");
  const matrix = { seed: [1, 2, 3] };
  const rank = { by: "fixed_loss" };
  writeFileSync(
    file,
    JSON.stringify({ sweep: "s", pipeline: "sdxl-ti", config: "training.yaml", matrix, rank }),
  );
  return file;
}

test(
  "one of two workers is killed: the other ends what it had, to the same bytes",
  options,
  () =>
    withTemporaryFolder(async (folder) => {
      const env = { GNOMIC_FLEET: postgres!.address };
      const file = sweepFile(folder);
      const output = join(folder, "output");
      const worker = (name: string) => start(["worker", "--name", name, "--lease", "6"], { env });
      const shown = async () => {
        const { stdout } = await gnomic(["sweep", "show", "s", "--output", output, "--json"], {
          env,
        });
        return stdout === "" ? [] : JSON.parse(stdout).rows;
      };
      const running = start(["sweep", "run", file], { env });
      await running.line(/Workers of postgres:/);
      const first = worker("first");
      // Looked at in the folder itself: asking `sweep show` takes longer than a training.
      const begun = () =>
        existsSync(output) && readdirSync(output).some((name) => {
          const run = join(output, name);
          return existsSync(join(run, "events.jsonl")) && stepsOf(run).length >= 3;
        });
      let trainer: number | null = null;
      await until(() => begun() && (trainer = trainerOf({ child: first })) !== null);
      first.process.kill("SIGKILL");
      await first.ended;
      await until(() => !isAlive(trainer!)); // its child goes, too
      const second = worker("second");
      const { code, stdout, stderr } = await running.ended;
      assert.equal(code, 0, stdout + stderr);
      second.process.kill("SIGTERM");
      assert.equal((await second.ended).code, 143);

      const rows = await shown();
      assert.deepEqual(rows.map(({ state }: any) => state), ["done", "done", "done"]);
      const all = Array.from({ length: steps }, (_, i) => i + 1);
      for (const { run } of rows) assert.deepEqual(stepsOf(run), all);

      // The same sweep by itself, on one file: the same leaderboard and the same bytes.
      const alone = join(folder, "alone");
      const by = await gnomic(["sweep", "run", file, "--output", alone]);
      assert.equal(by.code, 0, by.stderr);
      const other = JSON.parse(
        (await gnomic(["sweep", "show", "s", "--output", alone, "--json"])).stdout,
      ).rows;
      const ranking = (all: any[]) =>
        all.map(({ rank, trial, loss, lossStep }) => [rank, trial, loss, lossStep]);
      assert.deepEqual(ranking(rows), ranking(other));
      for (const [i, { run }] of rows.entries()) {
        assert.deepEqual(resultsOf(run), resultsOf(other[i].run));
      }
    }),
);

test(
  "a wrong password, and a database that is away: one line, and no password in it",
  options,
  () =>
    withTemporaryFolder(async (folder) => {
      const address = new URL(postgres!.address);
      address.password = "hush-hush";
      const away = new URL(postgres!.address);
      away.port = "1";
      for (const wrong of [address, away]) {
        const { code, stderr } = await gnomic(["sweep", "list", "--output", folder], {
          env: { GNOMIC_FLEET: wrong.href },
        });
        assert.equal(code, 3, stderr);
        assert.equal(stderr.trim().split("\n").length, 1, stderr);
        assert.doesNotMatch(stderr, /hush|:gnome/);
      }
    }),
);
