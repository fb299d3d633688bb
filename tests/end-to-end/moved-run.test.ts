// A training that is stopped and goes on elsewhere, and pictures from what it learned, all through the
// program as it is typed. The judge is a run that was never moved, byte by byte, and its own pictures.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import {
  eventsOf,
  frozenTraining,
  gnomic,
  resultsOf,
  runIn,
  smallTraining,
  trainingIn,
} from "./project.ts";

const training = { ...smallTraining, validation_prompts: ["bruce_the_gnome in the snow"] };

async function succeed(args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await gnomic(args);
  assert.equal(code, 0, `${args.join(" ")}\n${stdout}\n${stderr}`);
  return stdout;
}

/** Trains in `place` until `runs stop`, which comes after the first step. */
async function stoppedTraining(command: readonly string[], place: string): Promise<void> {
  const child = await frozenTraining(command, place);
  await succeed(["runs", "stop", "latest", "--output", join(place, "output")]);
  process.kill(child.process.pid!, "SIGCONT");
  const { code, stderr } = await child.ended;
  assert.equal(code, 130, stderr);
}

test("a run is stopped, exported, imported elsewhere and goes on as if it had never moved", () =>
  withTemporaryFolder(async (folder) => {
    const [here, there, never] = ["here", "there", "never-moved"].map((name) => join(folder, name));
    const output = (place: string) => join(place, "output");
    const train = (place: string) => {
      const [pipeline, name, flag, file] = trainingIn(folder, training);
      return [pipeline, name, flag, file, "--output", output(place)];
    };
    await succeed(train(never));
    await stoppedTraining(train(here), here);
    const archive = join(folder, "run.tar");
    await succeed(["runs", "export", "latest", archive, "--output", output(here)]);
    await succeed(["runs", "import", archive, "--output", output(there)]);
    await succeed(train(there));

    const [moved, whole] = [runIn(there), runIn(never)];
    assert.deepEqual(resultsOf(moved), resultsOf(whole));
    const [, second] = eventsOf(moved).filter((each) => each.event === "run-started");
    assert.ok(second.step > 0 && second.step < training.max_train_steps, `step ${second.step}`);
    // An archive is nobody's word for what a stage made: it is made here, and comes out the same.
    const plan = eventsOf(moved).findLast((each) => each.event === "plan");
    const anew = plan?.stages.filter((each) => !each.cached).map(({ stage }) => stage) ?? [];
    for (const stage of ["ingest", "tokenise", "encode-latents"]) assert.ok(anew.includes(stage));

    const compared = JSON.parse(await succeed(["runs", "compare", moved, whole, "--json"]));
    assert.deepEqual(compared.inputs, []);
    assert.ok(compared.stages.length > 0);
    assert.ok(compared.stages.every(({ shared }: { shared: boolean }) => shared));

    const made = await succeed([
      "generate",
      training.validation_prompts[0],
      ...["--embedding", join(whole, "bruce_the_gnome.safetensors")],
      ...["--seed", `${training.seed}`, "--steps", `${training.validation_steps}`],
      ...["--provider", "cpu", "--threads", "1"],
      ...["--format", "jpg", "--out", join(folder, "pictures"), "--json"],
    ]);
    const [{ path }] = JSON.parse(made);
    const last = join(whole, "validation", "epoch_00000003-step_00000007");
    const validated = readFileSync(join(last, "prompt_0000", "0000.jpg"));
    assert.ok(readFileSync(path).equals(validated), "as validation drew it");
  }));
