// A sweep that was left to its workers: whoever ends it copies the winner where it sees the runs; where they
// travelled, `sweep show` says what brings it. Run by `deno task test:fleet`.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { readHeader } from "../../lib/safetensors/safetensors.ts";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { gnomic, start } from "../end-to-end/project.ts";
import { machine, stop, sweepFile } from "./machines.ts";
import { fleetTests, postgresForTests } from "./postgres.ts";
import { until } from "./until.ts";

const postgres = await postgresForTests();

const done = async (sweep: string) => {
  const state = () => postgres!.sql(`SELECT state FROM gnomic_sweeps WHERE name = '${sweep}'`);
  await until(() => state().trim() === "done");
};

const said = async (...args: string[]) => {
  const { code, stdout, stderr } = await gnomic(args, {
    env: { GNOMIC_FLEET: postgres!.address },
  });
  assert.equal(code, 0, stderr);
  return stdout;
};

const trialIn = async (file: string) =>
  JSON.parse((await readHeader(file)).metadata["gnomic.trial"]).number;

test(
  "the worker that ends it copies the winner",
  fleetTests,
  () =>
    withTemporaryFolder(async (folder) => {
      const file = sweepFile(folder, "left", 8, [1, 2]);
      await said("sweep", "run", file, "--detach");
      const worker = start(["worker", "--name", "w", "--lease", "6"], {
        env: { GNOMIC_FLEET: postgres!.address },
      });
      await done("left");
      const best = join(folder, "output", "left", "best.safetensors");
      assert.ok(existsSync(best), "it is there as soon as the sweep is done");
      const shown = JSON.parse(await said("sweep", "show", "left", "--json"));
      assert.equal(await trialIn(best), shown.rows[0].trial);
      worker.process.kill("SIGTERM");
      await worker.ended;
    }),
);

test(
  "where runs travel, `sweep show` says what brings the winner",
  fleetTests,
  () =>
    withTemporaryFolder(async (folder) => {
      const file = sweepFile(folder, "gone", 8, [1]);
      const blobs = join(folder, "blobs");
      await said("sweep", "run", file, "--detach", "--blobs", blobs);
      const a = machine(postgres!, folder, "a");
      await done("gone");
      await stop(a);
      const best = join(folder, "output", "gone", "best.safetensors");
      assert.equal(existsSync(best), false);
      assert.match(
        await said("sweep", "show", "gone"),
        /The winner is not in .*output: sweep run .*gone\.yaml --blobs/,
      );
      await said("sweep", "run", file, "--blobs", blobs);
      assert.equal(await trialIn(best), 1);
      assert.doesNotMatch(await said("sweep", "show", "gone"), /The winner/);
    }),
);
