// A finished training with a constant rate that is given more steps: it goes on in its folder, and what it
// writes from then on is what one long training writes.
// The trap: files hold their configuration, so those of before the extension differ in it.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { gnomic, resultsOf, runIn, trainingIn } from "./project.ts";

async function trained(folder: string, name: string, ...steps: readonly number[]) {
  const [pipeline, of, flag, file] = trainingIn(folder);
  for (const step of steps) {
    const all = ["--output", join(folder, name, "output"), "--set", `max_train_steps=${step}`];
    const { code, stdout, stderr } = await gnomic([pipeline, of, flag, file, ...all]);
    assert.equal(code, 0, stdout + stderr);
  }
  return resultsOf(runIn(join(folder, name)));
}

test("more steps: checkpoints, pictures and the final file are those of one long training", () =>
  withTemporaryFolder(async (folder) => {
    const whole = await trained(folder, "whole", 7);
    const extended = await trained(folder, "extended", 4, 7);
    const later = (results: typeof whole) =>
      Object.entries(results).filter(([path]) => /^bruce|step_0000000[67]/.test(path));
    assert.equal(later(whole).length, 6);
    assert.deepEqual(later(extended), later(whole));
  }));
