// The manifest of a run that is killed names what its finished stages made, and is complete only when all is.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Effect } from "effect";
import { pipeline } from "../pipeline/compose.ts";
import { ownIdentity } from "../../lib/process-identity.ts";
import { defineStage } from "../stage.ts";
import { startChild } from "../testing/child.ts";
import { plain } from "../testing/toy-stages.ts";
import { withTemporaryFolder } from "../testing/temporary-folder.ts";
import { runToy } from "../testing/toy-world.ts";
import { treeOf } from "../testing/tree.ts";

const training = fileURLToPath(new URL("../testing/toy-training.ts", import.meta.url));

test("outputs are in the manifest as soon as their stage has finished, and survive a kill", () =>
  withTemporaryFolder(async (folder) => {
    const child = startChild(training, [folder, "1000", "20"]);
    let running = true;
    const ended = child.ended.finally(() => running = false);
    const output = join(folder, "output");
    const outputs = (): Record<string, unknown> => {
      const names = existsSync(output) ? readdirSync(output) : [];
      const run = names.find((name) => existsSync(join(output, name, "run.json")));
      return run === undefined
        ? {}
        : JSON.parse(readFileSync(join(output, run, "run.json"), "utf8")).outputs;
    };
    while (running && !("split" in outputs())) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.equal(running, true, "the training ended before its manifest named anything");
    child.process.kill("SIGKILL");
    await ended;
    assert.deepEqual(Object.keys(outputs()), ["split"]);
    assert.match(JSON.stringify(outputs()["split"]), /[0-9a-f]{64}/);
  }));

const idle = defineStage({
  ...plain,
  name: "idle",
  reads: {},
  writes: {},
  lifetime: "run",
  run: () => Effect.succeed({}),
});

test("a run is complete only when everybody who looks has done what is theirs", () =>
  withTemporaryFolder(async (folder) => {
    const output = join(folder, "output");
    const status = () => {
      const [run] = readdirSync(output).filter((name) => name.startsWith("toy-"));
      return JSON.parse(readFileSync(join(output, run, "run.json"), "utf8")).status;
    };
    let whileClosing = "";
    await runToy({
      folder,
      pipeline: pipeline("toy").stage("idle", idle),
      onClose: () => whileClosing = status(),
    });
    assert.deepEqual([whileClosing, status()], ["unfinished", "complete"]);
  }));

test("what a killed process left half-written is gone after the next attempt", () =>
  withTemporaryFolder(async (folder) => {
    let round = 0;
    const work = defineStage({
      ...idle,
      remainingWork: () => Effect.succeed({ why: `round ${++round}` }),
    });
    const toy = { folder, pipeline: pipeline("toy").stage("work", work) };
    const { ending: { dir } } = await runToy(toy);
    const before = Object.keys(treeOf(dir));
    writeFileSync(join(dir, "stages", "other.json.tmp"), "half");
    writeFileSync(join(dir, "a.jpg.tmp"), "half");
    await runToy(toy);
    assert.deepEqual(Object.keys(treeOf(dir)), before);
  }));

test("who lost the lock leaves the manifest and the events to who has it", () =>
  withTemporaryFolder(async (folder) => {
    let theirs: ReturnType<typeof treeOf> = {};
    const robbed = defineStage({
      ...idle,
      run: ({ tools: { runDir } }) =>
        Effect.suspend(() => {
          const lock = { ...ownIdentity(), token: "theirs", beat: 9 };
          writeFileSync(join(runDir, "lock.json"), JSON.stringify(lock));
          theirs = treeOf(runDir);
          return Effect.never;
        }),
    });
    const { ending } = await runToy({ folder, pipeline: pipeline("toy").stage("robbed", robbed) });
    assert.equal(ending.fault?._tag, "LockLost");
    assert.deepEqual(treeOf(ending.dir), theirs);
  }));
