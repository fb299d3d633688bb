// A sweep as a user runs it: a failing trial spoils no other, one that is cancelled lets others go on, and what
// cannot be is refused. Killed in the middle: tests/fleet/killed-sweep.test.ts.
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { eventsOf, gnomic, refusalOf, runIn, start } from "./project.ts";
import { rates, sweepIn, untilTraining } from "./small-sweep.ts";

test("a trial that fails is named with its message, the other is trained, the exit code tells", () =>
  withTemporaryFolder(async (folder) => {
    const pipeline = join(folder, "broken.yaml");
    const stages = readFileSync("pipelines/sdxl-ti.yaml", "utf8");
    assert.ok(stages.includes("stages:"));
    writeFileSync(
      join(folder, "breaks.ts"),
      `export default (gnomic) => gnomic.defineStage({
        name: "breaks", version: 1, summary: "", lifetime: "run", reads: {}, writes: {},
        options: gnomic.Schema.Struct({ seed: gnomic.Schema.Int }),
        run: ({ options }) => gnomic.Effect.suspend(() => {
          if (options.seed === 1) throw new Error("the first seed breaks");
          return gnomic.Effect.succeed({});
        }),
      });`,
    );
    writeFileSync(
      pipeline,
      stages.replace("stages:", "stages:\n  breaks:\n    use: ./breaks.ts"),
    );
    const command = sweepIn(folder, { ...rates, pipeline, matrix: { seed: [1, 2] }, attempts: 1 });
    const { code, stdout, stderr } = await gnomic(command);
    assert.equal(code, 2, stdout + stderr);
    assert.match(stdout, /trial 1 failed: .*the first seed breaks/s);
    assert.match(stdout, /2 +seed=2 .* done/);
    assert.ok(existsSync(join(folder, "output", "rates", "best.safetensors")));
  }));

test("a run that another kind of processor began: said once, in its log, in `runs show`, on the board", () =>
  withTemporaryFolder(async (folder) => {
    const command = sweepIn(folder, { rank: rates.rank, list: [{ seed: 3 }] });
    const output = join(folder, "output");
    const config = join(folder, "training.yaml");
    const begin = ["pipeline", "sdxl-ti", "--config", config, "--to-step", "2"];
    assert.equal((await gnomic(begin)).code, 0);
    const file = join(runIn(folder), "run.json");
    const manifest = JSON.parse(readFileSync(file, "utf8"));
    manifest.attempts[0].machine.processor = "x64 an abacus";
    writeFileSync(file, JSON.stringify(manifest));
    assert.equal((await gnomic([...begin.slice(0, -1), "4"])).code, 0);
    const { code, stdout, stderr } = await gnomic(command);
    assert.equal(code, 0, stdout + stderr);

    const note = /made on machines that differ in processor \(.*abacus.*its bytes may differ/;
    const warnings = eventsOf(runIn(folder)).filter(({ event }) => event === "warning");
    assert.equal(warnings.filter(({ text }: any) => note.test(text)).length, 1);
    assert.match(stdout, note);
    const shown = await gnomic(["runs", "show", "latest", "--output", output]);
    assert.match(shown.stdout, note);
    const last = JSON.parse(readFileSync(file, "utf8")).attempts.at(-1).machine;
    assert.equal(last.name, hostname());
    assert.equal(last.device, "cpu");
  }));

test("cancelled from elsewhere: the command ends as one that was stopped, and another goes on", () =>
  withTemporaryFolder(async (folder) => {
    const command = sweepIn(folder, rates, { max_train_steps: 4000, save_every_n_steps: 1000 });
    const output = join(folder, "output");
    const running = start([...command, "--json"]);
    await untilTraining(output);
    const cancelled = await gnomic(["sweep", "cancel", "rates", "--output", output]);
    assert.match(cancelled.stdout, /^rates is cancelled: .*`sweep resume rates` goes on\.\n$/);
    const { code, stdout, stderr } = await running.ended;
    assert.equal(code, 130, stderr);
    const { state, rows } = JSON.parse(stdout);
    assert.deepEqual([state, ...rows.map((row: any) => row.state)], Array(3).fill("cancelled"));
    assert.match(stderr, /^Stopped\. rates was cancelled; `sweep resume rates` goes on/m);
    const again = await gnomic(["sweep", "cancel", "rates", "--output", output]);
    assert.deepEqual([again.code, again.stdout], [0, "rates is cancelled already.\n"]);
  }));

const refusals: readonly (readonly [what: string, sweep: object, training: object, RegExp])[] = [
  [
    "a loss nobody measures",
    rates,
    { fixed_loss_every: null },
    /rank\.by: .*fixed_loss_every: null/,
  ],
  [
    "no pictures held out",
    { ...rates, rank: { by: "held_out" } },
    {},
    /rank\.by: wanted pictures that are not trained on/,
  ],
  [
    "a halving beyond the end",
    { ...rates, halving: { first: 6 } },
    {},
    /halving\.first: wanted a step before the end of every trial \(6\), found 6/,
  ],
  [
    "steps counted where trainings are counted in epochs",
    { ...rates, halving: { first: 2 }, budget: { steps: 9 } },
    { max_train_steps: undefined, max_train_epochs: 2 },
    /budget\.steps: wanted .* in steps, found epochs in trial 1, 2\..*halving: wanted .* in steps/s,
  ],
  [
    "losses of different measures",
    { rank: { by: "fixed_loss" }, matrix: { fixed_loss_timesteps: [[100], [200]] } },
    {},
    /rank\.per: wanted fixed_loss_timesteps/,
  ],
  ["a wrong value", { ...rates, matrix: { num_vectors: [1, -1] } }, {}, /num_vectors/],
  [
    "more than 10 000 trials",
    { ...rates, random: { trials: 10_000, seed: { int: [1, 2] } } },
    {},
    /at most 10000 trials, found 20000/,
  ],
];

for (const [what, sweep, training, message] of refusals) {
  test(`${what} is refused before anything is trained`, () =>
    withTemporaryFolder(async (folder) => {
      assert.match(await refusalOf(sweepIn(folder, sweep, training)), message);
      assert.equal(existsSync(join(folder, "output", ".gnomic-fleet.db")), false);
    }));
}
