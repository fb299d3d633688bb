// A training in a process of its own is killed at random moments, stopped, and continued under both
// runtimes; it must end with the same bytes as one that was never disturbed.
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { randomInt } from "../../engine/random/draw.ts";
import { startChild } from "../testing/child.ts";
import { otherRuntime, type Runtime } from "../testing/other-runtime.ts";
import { withTemporaryFolder } from "../testing/temporary-folder.ts";

const training = fileURLToPath(new URL("../testing/toy-training.ts", import.meta.url));
const steps = 40;
const start = (folder: string, pace: number, runtime?: Runtime) =>
  startChild(training, [folder, `${steps}`, `${pace}`], { runtime });

/** Everything that the training made, by path in its run folder. */
function results(folder: string) {
  const output = join(folder, "output");
  const [run] = readdirSync(output).filter((name) => name.startsWith("toy-"));
  const names = ["state.safetensors", "streams/train.marks.jsonl"];
  const checkpoints = readdirSync(join(output, run, "checkpoints")).sort();
  const losses = readFileSync(join(output, run, "events.jsonl"), "utf8").trimEnd().split("\n")
    .map((line) => JSON.parse(line))
    .flatMap((event) => event.event === "step" ? [[event.step, event.loss]] : []);
  const files = [...names, ...checkpoints.map((name) => `checkpoints/${name}`)];
  return {
    run,
    losses,
    files: Object.fromEntries(
      files.map((name) => [name, readFileSync(join(output, run, name)).toString("hex")]),
    ),
  };
}

/** What an undisturbed training makes. */
let wanted: ReturnType<typeof results>;
before(() =>
  withTemporaryFolder(async (folder) => {
    const { code, stderr } = await start(folder, 0).ended;
    assert.deepEqual([code, stderr], [0, ""]);
    wanted = results(folder);
    const all = Array.from({ length: steps }, (_, i) => i + 1);
    assert.deepEqual(wanted.losses.map(([step]) => step), all);
  })
);

/** Kills a training at drawn moments, five times at most, until it ends by itself; how often it was killed. */
async function harried(folder: string, seed: number): Promise<number> {
  mkdirSync(folder);
  for (let kills = 0;; kills++) {
    const child = start(folder, 3, kills % 2 === 1 ? otherRuntime ?? undefined : undefined);
    if (kills < 5) {
      // Some time after the training began again: within a step, a save or a write of events.
      await child.line('"stage":"train"}').catch(() => "");
      await sleep(randomInt({ seed, purpose: "kill", step: kills, item: 0 }, 60));
      child.process.kill("SIGKILL");
    }
    const { code, stderr } = await child.ended;
    if (code === 0) return kills;
    assert.equal(code, null, stderr);
  }
}

test("killed with -9 again and again, started under one runtime and continued under the other", {
  skip: process.platform === "win32",
}, (t) =>
  withTemporaryFolder(async (folder) => {
    const seed = Number(process.env.GNOMIC_KILL_SEED ?? 1);
    t.diagnostic(`GNOMIC_KILL_SEED=${seed} kills at these moments again`);
    // A training may end before its moment; then another one is harried.
    for (let place = 0; place < 10; place++) {
      const kills = await harried(join(folder, `${place}`), seed);
      assert.deepEqual(results(join(folder, `${place}`)), wanted);
      if (kills >= 3) return;
    }
    assert.fail("ten trainings were too fast to be killed three times");
  }));

test(
  "Ctrl-C, twice as npm sends it: exit 130, the state is kept, and it goes on to the same bytes",
  {
    skip: process.platform === "win32",
  },
  () =>
    withTemporaryFolder(async (folder) => {
      const child = start(folder, 500);
      await child.line('"step":3,');
      child.process.kill("SIGINT");
      setTimeout(() => child.process.kill("SIGINT"), 10);
      const { code, stdout, stderr } = await child.ended;
      assert.deepEqual([code, stderr], [130, ""]);
      const last = JSON.parse(stdout.trimEnd().split("\n").at(-1)!);
      assert.equal(last.event, "run-stopped");
      assert.ok(last.step >= 3 && last.step < steps, `stopped at step ${last.step}`);
      assert.equal((await start(folder, 0).ended).code, 0);
      assert.deepEqual(results(folder), wanted);
    }),
);

test("a second Ctrl-C after more than a second stops at once, and loses no finished step", {
  skip: process.platform === "win32",
}, () =>
  withTemporaryFolder(async (folder) => {
    const child = start(folder, 60_000);
    await child.line('"stage":"train"}');
    child.process.kill("SIGINT");
    // Pressed until it is heard: a busy process may see two as one.
    const again = setInterval(() => child.process.kill("SIGINT"), 1200);
    const { stdout } = await child.ended;
    clearInterval(again);
    const last = JSON.parse(stdout.trimEnd().split("\n").at(-1)!);
    assert.deepEqual([last.event, last.step], ["run-stopped", 0], "before the step was over");
    assert.equal((await start(folder, 0).ended).code, 0);
    assert.deepEqual(results(folder), wanted);
  }));
