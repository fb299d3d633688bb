// A sweep that is killed in the middle and gone on with by the same command: its results are those of `pipeline`
// by hand, each step once. It needs no database, but some trainings in a row: run by `deno task test:fleet`.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { readHeader } from "../../lib/safetensors/safetensors.ts";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { gnomic, refusalOf, resultsOf, start, stepsOf } from "../end-to-end/project.ts";
import { rates, sweepIn, untilTraining } from "../end-to-end/small-sweep.ts";
import { fleetTests } from "./postgres.ts";

test(
  "killed, gone on with, ranked; the same bytes as by hand",
  fleetTests,
  () =>
    withTemporaryFolder(async (folder) => {
      const command = sweepIn(folder, rates);
      const output = join(folder, "output");
      const killed = start(command);
      await untilTraining(output);
      killed.process.kill("SIGKILL");
      await killed.ended;

      const { code, stdout, stderr } = await gnomic(command);
      assert.equal(code, 0, stdout + stderr);
      assert.match(stdout, /rates: done, ranked by fixed_loss \(best\)/);
      assert.match(stdout, /it measures memorising too/);
      assert.doesNotMatch(stderr, /Experimental/);

      const shown = await gnomic(["sweep", "show", "rates", "--output", output, "--json"]);
      const { rows } = JSON.parse(shown.stdout);
      assert.deepEqual(rows.map(({ rank, state, step }: any) => [rank, state, step]), [
        [1, "done", 6],
        [2, "done", 6],
      ]);
      assert.ok(rows[0].loss < rows[1].loss);
      for (const { run } of rows) assert.deepEqual(stepsOf(run), [1, 2, 3, 4, 5, 6]);

      const best = join(output, "rates", "best.safetensors");
      const { metadata } = await readHeader(best);
      assert.equal(JSON.parse(metadata["gnomic.trial"]).number, rows[0].trial);
      const csv = await gnomic(["sweep", "show", "rates", "--output", output, "--csv"]);
      assert.match(csv.stdout.split("\n")[0], /^rank,trial,.*,optimizer\.learning_rate$/);
      assert.equal(csv.stdout.trim().split("\n").length, 3);

      const hand = join(folder, "hand");
      const rate = rows[0].overrides["optimizer.learning_rate"];
      const by = await gnomic([
        ...["pipeline", "sdxl-ti", "--config", join(folder, "training.yaml"), "--output", hand],
        ...["--set", `optimizer.learning_rate=${rate}`],
      ]);
      assert.equal(by.code, 0, by.stderr);
      const [run] = by.stdout.match(/\S*hand\/bruce_the_gnome-\w+/)!;
      assert.deepEqual(resultsOf(rows[0].run), resultsOf(run));

      const again = await gnomic(command);
      assert.match(again.stdout, /complete already/);
      assert.match(again.stdout, /rates: done/);
      const halved = sweepIn(folder, { ...rates, halving: { first: 3, factor: 2 } });
      assert.match(
        await refusalOf(halved),
        /halving\.first: wanted runs whose loss was measured at step 3, .* trial 1 \(at step 6\), 2/,
      );
    }),
);
