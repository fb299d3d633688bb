// A training in a process of its own is killed at random moments, stopped, and continued under both
// runtimes; it must end with the same bytes as one that was never disturbed.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { before, test } from "node:test";
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

test("killed with -9 again and again, started under one runtime and continued under the other", {
  skip: process.platform === "win32",
}, (t) =>
  withTemporaryFolder(async (folder) => {
    const seed = Number(process.env.GNOMIC_KILL_SEED ?? 1);
    t.diagnostic(`GNOMIC_KILL_SEED=${seed} kills at these moments again`);
    let [attempt, kills] = [0, 0];
    for (; attempt < 30; attempt++) {
      const runtime = attempt % 2 === 1 ? otherRuntime ?? undefined : undefined;
      const child = start(folder, 3, runtime);
      if (kills < 5) {
        // Some time after the training began again: within a step, a save or a write of events.
        await child.line('"stage":"train"}').catch(() => "");
        const moment = randomInt({ seed, purpose: "kill", step: attempt, item: 0 }, 60);
        await new Promise((resolve) => setTimeout(resolve, moment));
        child.process.kill("SIGKILL");
      }
      const { code, stderr } = await child.ended;
      if (code === 0) break;
      assert.equal(code, null, stderr);
      kills++;
    }
    assert.ok(kills >= 3, `${kills} kills`);
    assert.deepEqual(results(folder), wanted);
  }));

test(
  "Ctrl-C, twice as npm sends it: exit 130, the state is kept, and it goes on to the same bytes",
  {
    skip: process.platform === "win32",
  },
  () =>
    withTemporaryFolder(async (folder) => {
      const child = start(folder, 30);
      await child.line('"step":3,');
      child.process.kill("SIGINT");
      setTimeout(() => child.process.kill("SIGINT"), 10);
      const { code, stdout, stderr } = await child.ended;
      assert.deepEqual([code, stderr], [130, ""]);
      const last = JSON.parse(stdout.trimEnd().split("\n").at(-1)!);
      assert.equal(last.event, "run-stopped");
      assert.ok(last.step >= 3 && last.step <= 5, `stopped at step ${last.step}`);
      assert.equal((await start(folder, 0).ended).code, 0);
      assert.deepEqual(results(folder), wanted);
    }),
);

test("a second Ctrl-C after more than a second stops at once, and loses no finished step", {
  skip: process.platform === "win32",
}, () =>
  withTemporaryFolder(async (folder) => {
    const child = start(folder, 4000);
    await child.line('"stage":"train"}');
    child.process.kill("SIGINT");
    await new Promise((resolve) => setTimeout(resolve, 1200));
    child.process.kill("SIGINT");
    const killer = setTimeout(() => child.process.kill("SIGKILL"), 2500);
    const { stdout } = await child.ended;
    clearTimeout(killer);
    const last = JSON.parse(stdout.trimEnd().split("\n").at(-1)!);
    assert.deepEqual([last.event, last.step], ["run-stopped", 0], "before the step was over");
    assert.equal((await start(folder, 0).ended).code, 0);
    assert.deepEqual(results(folder), wanted);
  }));
