// A training that is told to end at a step: it pauses there with its state on disk and its schedule as it
// was, says so in manifest, list and events, and goes on to the bytes of one that never paused, also
// after it was exported and imported.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { eventsOf, gnomic, refusalOf, resultsOf, runIn, stepsOf, trainingIn } from "./project.ts";

/** A rate that falls from step to step, so that another horizon would show in the bytes. */
const over = { lr_scheduler: "cosine", validation_prompts: [], fixed_loss_every: 2 };

async function train(folder: string, ...more: string[]) {
  mkdirSync(folder, { recursive: true });
  return await gnomic([...trainingIn(folder, over), ...more]);
}

test("paused after step 3 of 7, gone on with, and the same bytes as never paused", () =>
  withTemporaryFolder(async (folder) => {
    const [straight, paused] = [join(folder, "straight"), join(folder, "paused")];
    const whole = await train(straight);
    assert.equal(whole.code, 0, whole.stderr);

    const first = await train(paused, "--to-step", "3");
    assert.equal(first.code, 0, first.stderr);
    assert.match(first.stdout, /Paused after step 3/);
    const run = runIn(paused);
    const steps = () => stepsOf(run);
    assert.deepEqual(steps(), [1, 2, 3]);
    assert.equal(eventsOf(run).at(-1)?.event, "run-paused");
    assert.equal(JSON.parse(readFileSync(join(run, "run.json"), "utf8")).status, "paused");
    // No loss was due at step 3, and it is known all the same.
    const measured = eventsOf(run).flatMap((each) => each.event === "fixed-loss" ? each.step : []);
    assert.deepEqual(measured, [0, 2, 3]);

    const list = await gnomic(["runs", "list", "--output", join(paused, "output")]);
    assert.match(list.stdout, /paused/);
    const again = await train(paused, "--to-step", "3");
    assert.match(again.stdout, /Paused already after step 3/);
    assert.deepEqual(steps(), [1, 2, 3]);
    const back = await refusalOf([...trainingIn(paused, over), "--to-step", "2"]);
    assert.match(back, /--to-step: wanted a step from 3 on, which this run has reached/);

    // Packed and unpacked it is paused there, too.
    const archive = join(folder, "paused.tar");
    const moved = join(folder, "moved");
    const pack = ["runs", "export", "latest", archive, "--output", join(paused, "output")];
    assert.equal((await gnomic(pack)).code, 0);
    const unpack = ["runs", "import", archive, "--output", join(moved, "output")];
    assert.equal((await gnomic(unpack)).code, 0);
    assert.match((await train(moved, "--to-step", "3")).stdout, /Paused already after step 3/);
    const past = await train(moved, "--to-step", "8");
    assert.equal(past.code, 0, past.stderr);
    assert.match(past.stdout, /--to-step 8 is past the end of this training \(7 steps\)/);
    assert.deepEqual(resultsOf(runIn(moved)), resultsOf(runIn(straight)));

    const rest = await train(paused);
    assert.equal(rest.code, 0, rest.stderr);
    assert.deepEqual(steps(), [1, 2, 3, 4, 5, 6, 7]);
    assert.deepEqual(resultsOf(run), resultsOf(runIn(straight)));
  }));

test("a step that is no number is refused", async () => {
  const said = await refusalOf(["pipeline", "sdxl-ti", "--to-step", "soon"]);
  assert.match(said, /--to-step: wanted a number of steps from 1 on, found soon/);
});
