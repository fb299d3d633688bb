// `runs` as it is typed, over folders made by hand: what it prints, and how it refuses.
import assert from "node:assert/strict";
import { existsSync, readFileSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Effect } from "effect";
import type { Fault } from "../lib/fault.ts";
import type { UnstampedTrainingEvent } from "../inversion/events.ts";
import { measuredManifest } from "../inversion/testing/measured-manifest.ts";
import { startChild } from "../runtime/testing/child.ts";
import { makeRun } from "../runtime/testing/make-run.ts";
import { withTemporaryFolder } from "../runtime/testing/temporary-folder.ts";
import { UsageFault } from "./command.ts";
import { runsCommand } from "./runs.ts";

const command = (base: string, args: readonly string[], options: Record<string, unknown>) => {
  const lines: string[] = [];
  const print = (line: string) => void lines.push(line);
  return Effect.as(runsCommand.run(args, { output: base, ...options }, { print }), lines);
};
const run = (base: string, args: string, options: Record<string, unknown> = {}) =>
  Effect.runPromise(command(base, args.split(" "), options));
const json = async (base: string, args: string, options: Record<string, unknown> = {}) => {
  const [line, ...rest] = await run(base, args, { ...options, json: true });
  assert.deepEqual(rest, []);
  return JSON.parse(line);
};
const refusal = (base: string, args: string, options: Record<string, unknown> = {}) =>
  Effect.runPromise(Effect.flip(command(base, args.split(" "), options)));

const fixed = (step: number, loss: number): UnstampedTrainingEvent => ({
  event: "fixed-loss",
  step,
  loss,
  bestStep: 5,
  bestLoss: 0.08,
  varianceRatio: null,
});
const events: readonly UnstampedTrainingEvent[] = [
  {
    event: "run-started",
    run: "bruce-1",
    trigger: "bruce",
    attempt: 1,
    step: 0,
    totalSteps: 40,
    device: "cpu",
    versions: {},
  },
  fixed(0, 0.1),
  {
    event: "step",
    step: 10,
    epoch: 2,
    loss: 0.125,
    lr: 0.01,
    gradientNorm: 1,
    gradientShare: [0.5, 0.5],
    seconds: 0.25,
    rssBytes: 1e9,
  },
  fixed(10, 0.09),
  { event: "checkpoint", step: 10, epoch: 2, path: "checkpoints/c.safetensors", best: false },
  { event: "warning", text: "one\x1b[31mred" },
];
const bruce = (name: string, rate: number, latents = "same") => ({
  name,
  step: 10,
  events,
  latents,
  manifest: {
    ...measuredManifest,
    configuration: { ...measuredManifest.configuration, optimizer: { learning_rate: rate } },
  },
});

test("list: one line a run, broken ones too", () =>
  withTemporaryFolder(async (base) => {
    assert.deepEqual(await run(base, "list"), [`There are no runs in ${base}.`]);
    await makeRun(base, bruce("bruce-1", 0.01));
    truncateSync(join(await makeRun(base, { name: "torn" }), "run.json"), 5);
    const [head, one, two, ...rest] = await run(base, "list");
    assert.match(head, /^RUN +STATUS +STEP +LOSS +BEST FIXED LOSS +TOUCHED$/);
    assert.match(one, /^bruce-1 +complete +10\/40 +0\.12500 +0\.08000 +\d{4}-\d\d-\d\d \d\d:\d\d$/);
    assert.match(two, /^torn +broken +- +- +- /);
    assert.deepEqual(rest, []);
    const rows = await json(base, "list");
    assert.deepEqual(rows.map((row: { name: string; step: number }) => [row.name, row.step]), [
      ["bruce-1", 10],
      ["torn", null],
    ]);
  }));

test("show: what it is, how it went, what it reached; a broken one as far as it goes", () =>
  withTemporaryFolder(async (base) => {
    const dir = await makeRun(base, bruce("bruce-1", 0.01));
    const text = (await run(base, "show latest")).join("\n");
    for (
      const part of [
        /^bruce-1$/m,
        /^ {2}step +10\/40$/m,
        /^ {2}attempt 1 +.*1 min 0 s, exit 0, step 0 to 10, node 22\.19\.0$/m,
        /^ {2}fixed-input loss before +0\.10000$/m,
        /^warning: {2}onered$/m,
      ]
    ) assert.match(text, part);
    truncateSync(join(dir, "run.json"), 5);
    truncateSync(join(dir, "events.jsonl"), readFileSync(join(dir, "events.jsonl")).length - 9);
    const shown = await json(base, "show bruce");
    assert.equal(shown.status, "broken");
    assert.match(shown.trouble, /^run\.json: /);
    assert.equal(shown.metrics["fixed-input loss now"], 0.09);
    assert.equal(shown.configuration, null);
  }));

test("compare: keys, numbers and shared results", () =>
  withTemporaryFolder(async (base) => {
    await makeRun(base, bruce("a", 0.01));
    await makeRun(base, { ...bruce("b", 0.02), events: [...events, fixed(20, 0.07)] });
    await makeRun(base, bruce("c", 0.01, "others"));
    const ab = await json(base, "compare a b");
    assert.deepEqual(ab.configuration, [{ key: "optimizer.learning_rate", from: 0.01, to: 0.02 }]);
    assert.deepEqual(ab.stages, [{ stage: "encode-latents", shared: true }]);
    const now = (each: { metric: string }) => each.metric === "fixed-input loss now";
    assert.deepEqual(ab.metrics.find(now), {
      metric: "fixed-input loss now",
      a: 0.09,
      b: 0.07,
      better: "b",
      comparable: true,
    });
    assert.deepEqual(ab.incomparable, []);
    assert.equal((await json(base, "compare a c")).stages[0].shared, false);
    const text = (await run(base, "compare a b")).join("\n");
    assert.match(text, /optimizer\.learning_rate +0\.01 +0\.02/);
    assert.match(text, /fixed-input loss now +0\.090+ +0\.070+ +-0\.0200/);
  }));

test("compare: pictures by their names, digests in short", () =>
  withTemporaryFolder(async (base) => {
    const digest = (digit: string) => digit.repeat(64);
    const withPictures = (name: string, sources: [string, null][], digests: string[]) => {
      const inputs = { ingest: [{ sources, digests }] };
      return { ...bruce(name, 0.01), manifest: { ...measuredManifest, inputs } };
    };
    const [hat, coat] = [["hat.jpg", null], ["coat.jpg", null]] as [string, null][];
    await makeRun(base, withPictures("a", [hat, coat], [digest("1"), digest("2")]));
    await makeRun(base, withPictures("b", [hat], [digest("3")]));
    const text = await run(base, "compare a b");
    const at = text.indexOf("pictures and weights (A, B)");
    assert.deepEqual(text.slice(at + 1, at + 3).map((line) => line.trim().split(/ {2,}/)), [
      ["ingest[0].pictures.coat.jpg", `"22222222"`, "-"],
      ["ingest[0].pictures.hat.jpg", `"11111111"`, `"33333333"`],
    ]);
    // A table's digest is of all its pictures.
    await makeRun(base, withPictures("c", [hat, coat], [digest("4")]));
    assert.match((await run(base, "compare b c")).join("\n"), /ingest\[0\]\.digests.*"44444444"/);
  }));

test("fixed losses of other seeds or timesteps are marked, with the reason", () =>
  withTemporaryFolder(async (base) => {
    const { configuration } = measuredManifest;
    const timesteps = { ...configuration, fixed_loss_timesteps: [1, 2] };
    await makeRun(base, bruce("a", 0.01));
    await makeRun(base, bruce("b", 0.02));
    await makeRun(base, { ...bruce("c", 0.01), manifest: { ...measuredManifest, seed: 2 } });
    await makeRun(base, {
      ...bruce("d", 0.01),
      manifest: { ...measuredManifest, configuration: timesteps },
    });
    const [, ...lines] = await run(base, "list");
    assert.deepEqual(
      lines.slice(0, 4).map((line) => / 0\.08000 (\w) /.exec(line)?.[1]),
      ["A", "A", "B", "C"],
    );
    assert.deepEqual(lines.slice(4), [
      "Best fixed losses compare only within a letter.",
      "B does not compare with A: seed 2 against 1",
      "C does not compare with A: timesteps 1, 2 in turn against 125, 375, 625, 875 in turn",
    ]);
    const rows = await json(base, "list");
    assert.deepEqual(
      rows.map(({ measuredOn }: { measuredOn: { seed: string } }) => measuredOn.seed),
      ["1", "1", "2", "1"],
    );

    const text = (await run(base, "compare a c")).join("\n");
    assert.match(text, /fixed-input loss now +0\.090+ +0\.090+ +- *$/m);
    assert.match(text, /^ {2}The fixed-input losses do not compare: seed 1 against 2\.$/m);
    const ac = await json(base, "compare a c");
    assert.deepEqual(ac.incomparable, ["seed 1 against 2"]);
    const named = (name: string) =>
      ac.metrics.find(({ metric }: { metric: string }) => metric === name).comparable;
    assert.deepEqual([named("fixed-input loss at best"), named("seconds a step")], [false, true]);
    assert.doesNotMatch((await run(base, "compare a b")).join("\n"), /do not compare/);
  }));

test("delete and prune list first, and act with --yes", () =>
  withTemporaryFolder(async (base) => {
    const dir = await makeRun(base, { name: "a", rows: ["r"], step: 3 });
    assert.equal((await run(base, "delete a"))[1].split(";")[0], "Nothing was deleted");
    assert.ok(existsSync(dir));
    assert.equal((await json(base, "delete a", { yes: true })).deleted, true);
    assert.ok(!existsSync(dir));
    assert.match(
      (await run(base, "prune")).join(),
      /refers to: 1\. Together 1 B\.,Nothing was removed/,
    );
    assert.equal((await run(base, "prune", { yes: true })).at(-1), "Removed.");
    assert.deepEqual(await run(base, "prune", { yes: true }), ["Nothing to clear up."]);
    assert.ok(await refusal(base, "prune", { olderThan: 30 }) instanceof UsageFault);
  }));

test("export and import through their commands", () =>
  withTemporaryFolder(async (base) => {
    await makeRun(base, { name: "a", rows: ["r"], step: 3 });
    const archive = join(base, "a.tar");
    await run(base, `export latest ${archive}`);
    const there = join(base, "there");
    assert.equal((await run(there, `import ${archive}`))[0], join(there, "a"));
    assert.match((await run(there, "list"))[1], /^a +complete +3 /);
  }));

test("stop, save and validate reach a training at work, and are refused without one", () =>
  withTemporaryFolder(async (base) => {
    const dir = await makeRun(base, { name: "a", events });
    const refused: Fault = await refusal(base, "stop a");
    assert.match(refused.message, /no training runs/);
    const holdLock = new URL("../runtime/testing/hold-lock.ts", import.meta.url).pathname;
    const child = startChild(holdLock, [dir]);
    await child.line("locked");
    await run(base, "stop a");
    await run(base, "save a");
    await run(base, "validate a");
    await run(base, "validate a", { prompt: ["one", 2] });
    child.process.kill("SIGKILL");
    await child.ended;
    const asked = readFileSync(join(dir, "control.jsonl"), "utf8").trim().split("\n")
      .map((line) => JSON.parse(line).ask);
    assert.deepEqual(asked, [
      { request: "stop" },
      { request: "save" },
      { request: "validate" },
      { request: "validate", prompts: ["one", "2"] },
    ]);
  }));

test("choose notes a checkpoint of a run that is at rest", () =>
  withTemporaryFolder(async (base) => {
    await makeRun(base, { name: "a", events });
    await run(base, "choose a", { step: 10 });
    assert.deepEqual((await json(base, "show a")).chosen, {
      step: 10,
      path: "checkpoints/c.safetensors",
    });
    assert.match((await refusal(base, "choose a", { step: 11 })).message, /no checkpoint/);
    assert.ok(await refusal(base, "choose a") instanceof UsageFault);
    assert.ok(await refusal(base, "choose a", { step: "x" }) instanceof UsageFault);
  }));

test("what cannot be meant is refused with how it is written", () =>
  withTemporaryFolder(async (base) => {
    for (const args of ["show", "show a b", "list a", "compare a"]) {
      const fault = await refusal(base, args);
      assert.ok(fault instanceof UsageFault, args);
      assert.equal(fault.kind, "user");
    }
    assert.match((await refusal(base, "compare a")).message, /runs compare RUN RUN/);
  }));
