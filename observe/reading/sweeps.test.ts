// What the page is told of sweeps against the leaderboard itself; and that a board of anybody's making leads
// to no folder that the page does not show.
import assert from "node:assert/strict";
import { renameSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Effect } from "effect";
import { boardsOf } from "../../fleet/boards.ts";
import { fleetAt } from "../../fleet/connection.ts";
import { withTables } from "../../fleet/open-tables.ts";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { writeSyntheticRun } from "../../tests/synthetic-run.ts";
import { writeSyntheticSweep } from "../../tests/synthetic-sweep.ts";
import { findRuns } from "./run-folders.ts";
import { listSweeps, viewSweep } from "./sweeps.ts";

const quick = { run: { steps: 2, totalSteps: 2, validateEvery: 2, pictureSize: 8 }, pictured: 0 };

test("the sweep is that of `sweep show`, also of a folder that was moved", () =>
  withTemporaryFolder(async (folder) => {
    const before = join(folder, "before");
    await writeSyntheticSweep(before, { ...quick, trials: 4, begun: 4 });
    const base = join(folder, "output");
    renameSync(before, base);
    const runs = await findRuns(folder);
    const [listed] = await listSweeps(folder, runs);
    assert.equal(listed.id, "output~rates");
    assert.deepEqual(listed.states, { done: 3, waiting: 1 });
    assert.equal(listed.loss, 0.08);

    const [{ board }] = await Effect.runPromise(Effect.flatMap(fleetAt(base), (f) => boardsOf(f)));
    const sweep = await viewSweep(folder, runs, "output~rates");
    assert.deepEqual(
      sweep?.rows.map(({ rank, trial, loss, state }) => [rank, trial, loss, state]),
      board.rows.map(({ rank, trial, loss, state }) => [rank, trial, loss, state]),
    );
    for (const { trial, state, run, checkpoint, varies } of sweep!.rows) {
      const name = `gnome_bruce-0000000${trial}`;
      const done = state === "done";
      assert.equal(run, done ? `output~${name}` : null);
      assert.equal(checkpoint, done ? join(base, name, "gnome_bruce-best.safetensors") : null);
      assert.match(
        varies,
        new RegExp(`^optimizer\\.learning_rate=0\\.00${trial} seed=${trial % 2}$`),
      );
    }
    assert.equal(await viewSweep(folder, runs, "rates"), undefined);
    assert.equal(await viewSweep(folder, runs, "../output~rates"), undefined);
  }));

test("a run's page knows no sweep of the folder above, and no folder gets a database", () =>
  withTemporaryFolder(async (folder) => {
    const base = join(folder, "output");
    await writeSyntheticSweep(base, { ...quick, trials: 2 });
    const run = join(base, "gnome_bruce-00000001");
    assert.deepEqual(await listSweeps(run, await findRuns(run)), []);
    const other = join(folder, "other");
    await writeSyntheticRun(join(other, "alone"), { ...quick.run, prompts: [] });
    assert.deepEqual(await listSweeps(other, await findRuns(other)), []);
    assert.deepEqual((await findRuns(other)).map(({ id }) => id), ["alone"]);
  }));

test("a board that names other folders leads to none of them", () =>
  withTemporaryFolder(async (folder) => {
    const base = join(folder, "output");
    await writeSyntheticRun(join(folder, "secret"), { ...quick.run, prompts: [] });
    const plan = await writeSyntheticSweep(base, { ...quick, trials: 2 });
    const places = ["../secret", join(folder, "secret")];
    const trials = plan.trials.map((trial, i) => ({ ...trial, run: places[i] }));
    await Effect.runPromise(
      Effect.flatMap(
        fleetAt(base),
        (fleet) =>
          withTables(fleet, (tables) => tables.submit({ ...plan, name: "strange", trials })),
      ),
    );
    const sweep = await viewSweep(base, await findRuns(base), "strange");
    assert.deepEqual(sweep?.rows.map(({ run, checkpoint }) => [run, checkpoint]), [
      [null, null],
      [null, null],
    ]);
    assert.equal(JSON.stringify(sweep).includes("secret"), false);
  }));
