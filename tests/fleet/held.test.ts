// A sweep comes to a run that another process is in: that is no failure, and it trains it when that process ends.
// The training is real, a process of its own. Run by `deno task test:fleet`.
import assert from "node:assert/strict";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { startChild } from "../../runtime/testing/child.ts";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { gnomic, smallTraining, start } from "../end-to-end/project.ts";
import { fleetTests } from "./postgres.ts";

const holdLock = fileURLToPath(new URL("../../runtime/testing/hold-lock.ts", import.meta.url));

test(
  "a run that another process is in is left until that ends, and then trained",
  fleetTests,
  () =>
    withTemporaryFolder(async (folder) => {
      const output = join(folder, "output");
      const quick = { max_train_steps: 4, validation_prompts: [], base_output_dir: output };
      const config = join(folder, "training.yaml");
      writeFileSync(config, JSON.stringify({ ...smallTraining, ...quick }));
      const file = join(folder, "sweep.yaml");
      const sweep = { sweep: "s", pipeline: "sdxl-ti", config: "training.yaml", attempts: 1 };
      writeFileSync(file, JSON.stringify({ ...sweep, rank: { by: "fixed_loss" } }));
      const begun = await gnomic(["pipeline", "sdxl-ti", "--config", config, "--to-step", "1"]);
      assert.equal(begun.code, 0, begun.stderr);
      const runs = readdirSync(output).filter((each) => existsSync(join(output, each, "run.json")));
      assert.equal(runs.length, 1);
      const holder = startChild(holdLock, [join(output, runs[0])]);
      await holder.line("locked");

      const sweeping = start(["sweep", "run", file]);
      await sweeping.line("not trained here for now");
      holder.process.kill("SIGKILL");
      const { code, stdout, stderr } = await sweeping.ended;
      assert.equal(code, 0, stderr);
      assert.match(stdout, /done/);
    }),
);
