// A sweep that leaves `threads` open comes to the same bytes whatever the slots of who goes on with it: begun
// with two slots, gone on with in one, as by hand with the threads of a half of the cores. The training is real.
// Run by `deno task test:fleet`.
import assert from "node:assert/strict";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { gnomic, resultsOf, smallTraining, start, stepsOf } from "../end-to-end/project.ts";
import { fleetTests } from "./postgres.ts";
import { until } from "./until.ts";

/** So many that it can be stopped before its last. */
const steps = 150;

const runsIn = (folder: string) =>
  existsSync(folder)
    ? readdirSync(folder).map((name) => join(folder, name))
      .filter((run) => existsSync(join(run, "run.json")))
    : [];

test(
  "begun with two slots, gone on with in one: the same bytes",
  fleetTests,
  () =>
    withTemporaryFolder(async (folder) => {
      const { threads: _, ...open } = smallTraining;
      const quick = { max_train_steps: steps, save_every_n_steps: 10, validation_prompts: [] };
      const training = { ...open, ...quick, base_output_dir: join(folder, "output") };
      const config = join(folder, "training.yaml");
      writeFileSync(config, JSON.stringify(training));
      const file = join(folder, "sweep.yaml");
      const sweep = { sweep: "s", pipeline: "sdxl-ti", config: "training.yaml" };
      writeFileSync(file, JSON.stringify({ ...sweep, rank: { by: "fixed_loss" } }));

      const first = start(["sweep", "run", file, "--slots", "2"]);
      const output = join(folder, "output");
      await until(() => runsIn(output).some((run) => stepsOf(run).length >= 4));
      first.process.kill("SIGINT");
      const stopped = await first.ended;
      assert.equal(stopped.code, 130, stopped.stderr);
      const [run] = runsIn(output);
      assert.ok(stepsOf(run).length < steps, "it ended before it was stopped");
      const second = await gnomic(["sweep", "run", file]);
      assert.equal(second.code, 0, second.stderr);

      const threads = Math.max(1, Math.floor(availableParallelism() / 2));
      const hand = join(folder, "hand");
      const alone = await gnomic([
        ...["pipeline", "sdxl-ti", "--config", config, "--output", hand],
        ...["--set", `threads=${threads}`],
      ]);
      assert.equal(alone.code, 0, alone.stderr);
      assert.deepEqual(resultsOf(run), resultsOf(runsIn(hand)[0]));
    }),
);
