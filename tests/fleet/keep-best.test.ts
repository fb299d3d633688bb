// What a sweep on one machine keeps of those that lost, and that they go on from it. It needs no database, but
// some trainings in a row: run by `deno task test:fleet`.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { filesBelow, gnomic, resultsOf, stepsOf } from "../end-to-end/project.ts";
import { rates, sweepIn } from "../end-to-end/small-sweep.ts";
import { fleetTests } from "./postgres.ts";

test(
  "keep: best: who lost a halving has no checkpoints left, and called back it ends as by hand",
  fleetTests,
  () =>
    withTemporaryFolder(async (folder) => {
      const command = sweepIn(folder, { ...rates, halving: { first: 3, factor: 2 }, keep: "best" });
      const { code, stdout, stderr } = await gnomic(command);
      assert.equal(code, 0, stdout + stderr);
      const output = join(folder, "output");
      const rows = async () => {
        const shown = await gnomic(["sweep", "show", "rates", "--output", output, "--json"]);
        return JSON.parse(shown.stdout).rows;
      };
      const [won, lost] = await rows();
      assert.deepEqual([won.state, lost.state, lost.step], ["done", "lost", 3]);
      const kept = (run: string) =>
        filesBelow(join(run, "checkpoints")).filter((name) => name.endsWith(".safetensors"));
      assert.deepEqual([kept(won.run).length, kept(lost.run).length], [2, 0]);

      // For a sweep to come: this one has the configuration that it was begun with.
      const config = join(folder, "training.yaml");
      const before = readFileSync(config);
      writeFileSync(config, "max_train_steps: 9");
      const more = await gnomic(["sweep", "resume", "rates", "--more", "1", "--output", output]);
      assert.equal(more.code, 0, more.stdout + more.stderr);
      writeFileSync(config, before);
      assert.deepEqual((await rows()).map(({ state }: any) => state), ["done", "done"]);
      assert.deepEqual(stepsOf(lost.run), [1, 2, 3, 4, 5, 6]);
      assert.deepEqual(kept(lost.run), [], "it lost again");
      const hand = join(folder, "hand");
      const rate = lost.overrides["optimizer.learning_rate"];
      const by = await gnomic([
        ...["pipeline", "sdxl-ti", "--config", config, "--output", hand],
        ...["--set", `optimizer.learning_rate=${rate}`],
      ]);
      const [run] = by.stdout.match(/\S*hand\/bruce_the_gnome-\w+/)!;
      const { ["bruce_the_gnome.safetensors"]: last } = resultsOf(run);
      assert.equal(resultsOf(lost.run)["bruce_the_gnome.safetensors"], last);
    }),
);
