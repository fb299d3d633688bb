// A finished training that is to be longer, with a schedule whose rates depend on the length: that is a
// new run and the plan says why; --extend goes on with the old schedule.
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { eventsOf, gnomic, look, runIn, stepsOf, trainingIn } from "./project.ts";

/** As short as a training can be: no pictures, one checkpoint. */
const quick = { validation_prompts: [], fixed_loss_every: null, save_every_n_steps: 100 };

async function train(folder: string, over: object, ...more: string[]): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const { code, stdout, stderr } = await gnomic([
    ...trainingIn(folder, { ...quick, ...over }),
    ...more,
  ]);
  assert.equal(code, 0, stdout + stderr);
}

const finalFile = (folder: string) =>
  readFileSync(join(runIn(folder), "bruce_the_gnome.safetensors"));

const attempts = (folder: string) =>
  eventsOf(runIn(folder)).flatMap((event) => event.event === "run-started" ? [event.step] : []);

test("a cosine: a new run that says why; --extend goes on with the old one", () =>
  withTemporaryFolder(async (folder) => {
    const cosine = { lr_scheduler: "cosine" };
    await train(folder, { ...cosine, max_train_steps: 3 });
    const longer = trainingIn(folder, { ...quick, ...cosine, max_train_steps: 5 });
    const { text } = await look([...longer, "--dry-run"]);
    assert.match(text, /max_train_steps: 3 -> 5/);
    assert.match(text, /a new run: the rate of lr_scheduler cosine depends on the length/);

    await train(folder, { ...cosine, max_train_steps: 5 }, "--extend");
    assert.deepEqual(attempts(folder), [0, 3]);
    assert.deepEqual(stepsOf(runIn(folder)), [1, 2, 3, 4, 5]);

    const anew = join(folder, "anew");
    await train(anew, { ...cosine, max_train_steps: 5 });
    const runs = readdirSync(join(folder, "output")).filter((name) => !name.startsWith("."));
    assert.equal(runs.length, 1);
    assert.notDeepEqual(finalFile(anew), finalFile(folder));
  }));
