// A training for both kinds of clients (`pooling: mixed`) beside one for each kind alone, of a model whose
// two rules differ: what is measured under a rule is what the training by that rule measures, pictures are
// those that it draws, and what is learned is neither's.
// The trap: golden case b, the model of the other trainings, has all clients pool alike; c has not.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { readSafetensors } from "../../lib/safetensors/safetensors.ts";
import { eventsOf, gnomic, resultsOf, runIn, trainingIn } from "./project.ts";

const folder = mkdtempSync(join(tmpdir(), "gnomic-both-clients-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const steps = 5;
const over = {
  model: "tests/golden/c/model",
  max_train_steps: steps,
  before_after_timesteps: [300, 700],
  before_after_noises: 1,
};
const rules = ["argmax", "end_token"] as const;
const programs = { argmax: "InvokeAI, diffusers", end_token: "ComfyUI, A1111, Forge" };

/** Trains in a folder of that name; the run's folder. */
async function train(name: string, options: object, ...more: readonly string[]): Promise<string> {
  const place = join(folder, name);
  mkdirSync(place, { recursive: true });
  const { code, stdout, stderr } = await gnomic([
    ...trainingIn(place, { ...over, ...options }),
    ...more,
  ]);
  assert.equal(code, 0, stdout + stderr);
  return runIn(place);
}

/** `auto`, which is mixed. */
const forBoth = { validation_pooling: "both", prompt_following: true };
let both: string;
let alone: Readonly<Record<(typeof rules)[number], string>>;
before(async () => {
  both = await train("both", forBoth);
  alone = {
    argmax: await train("argmax", { pooling: "argmax" }),
    end_token: await train("end_token", { pooling: "end_token" }),
  };
});

const measured = (run: string) =>
  eventsOf(run).flatMap((event) => event.event === "fixed-loss" ? [event] : []);

/** What the end says of the thorough measure: text before and after each number. */
const thorough = (run: string) =>
  eventsOf(run).flatMap((event) =>
    event.event === "note"
      ? /^Loss on training pictures: (.*?\d[^.\d]*)\. /.exec(event.text) ?? []
      : []
  )[1];

test("the plan settles it, and the file says how it was trained", async () => {
  const manifest = JSON.parse(readFileSync(join(both, "run.json"), "utf8"));
  assert.equal(manifest.configuration.pooling, "mixed");
  const file = join(both, "bruce_the_gnome.safetensors");
  const { stdout } = await gnomic(["embedding", "check", file, "--json"]);
  assert.equal(JSON.parse(stdout).trainedPooling, "mixed");
});

test("the fixed loss under each rule begins as the training by that rule alone has it", () => {
  const values = measured(both);
  assert.deepEqual(values.map(({ step }) => step), [0, 2, 4, 5]);
  for (const { under, loss } of values) {
    const { argmax, end_token } = under!;
    assert.notEqual(argmax, end_token);
    assert.ok(Math.abs(loss - (argmax + end_token) / 2) < 1e-6);
  }
  for (const rule of rules) {
    const [first] = measured(alone[rule]);
    assert.equal(first.under, undefined);
    assert.ok(Math.abs(values[0].under![rule] - first.loss) < 1e-6, rule);
  }
});

test("before and after are two numbers each, those before as the trainings by one rule have them", () => {
  const text = thorough(both);
  for (const rule of rules) {
    const [start] = /^[\d.]+ before/.exec(thorough(alone[rule]))!;
    assert.match(text, new RegExp(`${start}, [\\d.]+ after as ${programs[rule]} pool`));
  }
});

test("what is learned is the mixture's own", async () => {
  const rows = async (run: string) =>
    (await readSafetensors(join(run, "bruce_the_gnome.safetensors"))).get("clip_g")!.data;
  const [mixed, ...others] = await Promise.all([both, alone.argmax, alone.end_token].map(rows));
  for (const other of others) assert.notDeepEqual(mixed, other);
  assert.notDeepEqual(others[0], others[1]);
});

test("pictures of one noise stand side by side, each as a training by that rule draws it", () => {
  const pictures = (run: string) => {
    const digests = resultsOf(run);
    return eventsOf(run).flatMap((event) =>
      event.event === "validation-picture" && event.step === 0
        ? [{ prompt: event.prompt, pooling: event.pooling, digest: digests[event.path] }]
        : []
    );
  };
  const side = pictures(both);
  assert.deepEqual(side.map(({ pooling }) => pooling), [...rules, ...rules]);
  for (const rule of rules) {
    const own = pictures(alone[rule]);
    assert.equal(own.length, 2);
    for (const { prompt, digest } of own) {
      const found = side.find((each) => each.prompt === prompt && each.pooling === rule);
      assert.equal(found?.digest, digest, `prompt ${prompt} under ${rule}`);
    }
  }
  assert.notEqual(side[0].digest, side[1].digest);
});

test("how well prompts are followed is measured under both", () => {
  const ends = eventsOf(both).flatMap((each) => each.event === "validation-finished" ? [each] : []);
  assert.deepEqual(ends.map(({ step }) => step), [0, 4, steps]);
  assert.deepEqual(ends.map(({ following }) => following?.map(({ pooling }) => pooling)), [
    undefined,
    undefined,
    [...rules],
  ]);
  const [argmax, endToken] = ends[2].following!;
  assert.ok(argmax.mean > 0 && endToken.mean > 0 && argmax.mean !== endToken.mean);
});

test("paused and gone on with: the same bytes and losses; the pause measures both, too", async () => {
  const paused = await train("paused", forBoth, "--to-step", "3");
  const [last] = measured(paused).slice(-1);
  assert.equal(last.step, 3);
  assert.deepEqual(Object.keys(last.under ?? {}), rules);
  await train("paused", forBoth);
  assert.deepEqual(resultsOf(paused), resultsOf(both));
  const losses = (run: string) =>
    measured(run).flatMap(({ step, loss, under }) => step === 3 ? [] : [{ step, loss, under }]);
  assert.deepEqual(losses(paused), losses(both));
});
