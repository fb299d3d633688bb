// The list's short reading against the whole one, also while a run grows.
import assert from "node:assert/strict";
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { writeSyntheticRun } from "../../tests/synthetic-run.ts";
import { listRun, newRunList } from "./run-list.ts";
import { newRunReader } from "./run-reader.ts";
import { remainingSeconds, secondsPerStep } from "./run-answers.js";

const run = { steps: 400, totalSteps: 900, validateEvery: 100, pictureSize: 8 };

test("what the list shows is what the whole log says", () =>
  withTemporaryFolder(async (folder) => {
    const dir = join(folder, "one");
    await writeSyntheticRun(dir, run, "one");
    const { state } = await newRunReader(dir).read();
    const listed = await listRun({ id: "one", dir });
    assert.ok(listed !== undefined);
    const { metrics: _, ...shown } = listed.state;
    for (const [key, value] of Object.entries(shown)) {
      assert.deepEqual(value, state[key as keyof typeof shown], key);
    }
    assert.equal(secondsPerStep(listed.state), secondsPerStep(state));
    assert.equal(remainingSeconds(listed.state), remainingSeconds(state));
    assert.equal(listed.picture, "400-0-0");
  }));

test("a list that is asked again sees what came, and what did not change is the same", () =>
  withTemporaryFolder(async (folder) => {
    const dir = join(folder, "one");
    await writeSyntheticRun(dir, { ...run, steps: 3, prompts: [] }, "one");
    const list = newRunList();
    const first = await list({ id: "one", dir });
    assert.deepEqual(await list({ id: "one", dir }), first);
    const stopped = { event: "run-stopped", at: 5, step: 3, reason: "asked" };
    appendFileSync(join(dir, "events.jsonl"), `${JSON.stringify(stopped)}\n`);
    assert.equal((await list({ id: "one", dir }))?.state.outcome?.kind, "stopped");
    assert.deepEqual(await list({ id: "one", dir }), await listRun({ id: "one", dir }));
  }));
