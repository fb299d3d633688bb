// Why stages run: every cause, found by changing one thing between two runs of a toy pipeline.
import assert from "node:assert/strict";
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Effect, Schema, Stream } from "effect";
import { stampOf } from "../../lib/file-stamp.ts";
import { NotDownloaded } from "../../lib/fault.ts";
import { stream } from "../artefact.ts";
import { pipeline } from "../pipeline/compose.ts";
import { defineStage } from "../stage.ts";
import { withTemporaryFolder } from "../testing/temporary-folder.ts";
import { plain, toyStages, words } from "../testing/toy-stages.ts";
import { whyText } from "./explain.ts";
import { eventsOf, planToy, reasonsOf, refuseToy, runToy, type Toy } from "../testing/toy-world.ts";

const values = { text: "a gnome", log_every: 1 };

const wired = (stages: ReturnType<typeof toyStages>) =>
  pipeline("toy")
    .stage("split", stages.split)
    .stage("measure", stages.measure, { words: "split.words" })
    .stage("shout", stages.shout, { words: "split.words" })
    .stage("sum", stages.sum, { lengths: "measure.lengths", shouts: "shout.shouts" });

/** Runs once, then again with changes; gives the second run's plan and the work that it did. */
async function again(folder: string, change: Partial<Toy>, stages = toyStages()) {
  await runToy({ folder, pipeline: wired(toyStages()), values });
  const toy = { folder, pipeline: wired(stages), values, ...change };
  const plan = await planToy(toy);
  assert.deepEqual(stages.work, [], "planning does no work");
  const run = await runToy(toy);
  return { plan, why: reasonsOf(plan), work: stages.work, run };
}

const files = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
const blobOf = (folder: string, content: string) =>
  files(join(folder, "output", ".gnomic-store", "blobs"))
    .find((path) => readFileSync(path, "utf8") === content)!;

test("first everything is new; then everything is cached, and a neutral option changes nothing", () =>
  withTemporaryFolder(async (folder) => {
    const stages = toyStages();
    const first = await runToy({ folder, pipeline: wired(stages), values });
    assert.deepEqual(reasonsOf(first.plan), {
      split: "new",
      measure: "new upstream",
      shout: "new upstream",
      sum: "new upstream",
    });
    assert.equal(first.ending.ending, "complete");
    assert.deepEqual(stages.work.toSorted(), ["measure", "shout a", "shout gnome", "split", "sum"]);
    const { why, work } = await again(folder, { values: { ...values, log_every: 9 } });
    assert.deepEqual(why, { split: "cached", measure: "cached", shout: "cached", sum: "cached" });
    assert.deepEqual(work, []);
  }));

test("where things are is neither in a fingerprint nor in a run's name; a stage is told all the same", () =>
  withTemporaryFolder(async (folder) => {
    const first = await runToy({
      folder,
      pipeline: wired(toyStages()),
      values: { ...values, where: "/home/secret/pictures" },
    });
    const { plan, why } = await again(folder, { values: { ...values, where: "elsewhere" } });
    assert.equal(why.split, "cached");
    assert.equal(plan.run.name, first.plan.run.name);
    const store = join(folder, "output", ".gnomic-store", "artefacts");
    assert.ok(!files(store).some((path) => readFileSync(path, "utf8").includes("secret")));
  }));

test("config changed: names the key, from what to what, and re-makes only what it touches", () =>
  withTemporaryFolder(async (folder) => {
    const { plan, why, work } = await again(folder, { values: { ...values, count_from: 1 } });
    assert.deepEqual(why, {
      split: "cached",
      measure: "config-changed",
      shout: "cached",
      sum: "upstream",
    });
    const { reasons } = plan.stages.find(({ id }) => id === "measure")!;
    assert.deepEqual(reasons, [{
      reason: "config-changed",
      changes: [{ key: "count_from", to: 1 }],
    }]);
    assert.deepEqual(work, ["measure", "sum"]);
  }));

test("a nested key is named by its path; what comes out the same stops the work below", () =>
  withTemporaryFolder(async (folder) => {
    const nested = { crop: { center: true } };
    await runToy({ folder, pipeline: wired(toyStages()), values: { ...values, nested } });
    const changed = { ...values, nested: { crop: { center: false } } };
    const stages = toyStages();
    const { plan, events } = await runToy({ folder, pipeline: wired(stages), values: changed });
    assert.deepEqual(plan.stages[0].reasons, [{
      reason: "config-changed",
      changes: [{ key: "nested.crop.center", from: true, to: false }],
    }]);
    assert.equal(reasonsOf(plan).measure, "upstream");
    assert.deepEqual(stages.work, ["split"], "the words are the same, so nothing below runs");
    const cached = eventsOf({ events }, "stage-finished").map((
      { stage, cached },
    ) => [stage, cached]);
    assert.deepEqual(Object.fromEntries(cached), {
      split: false,
      measure: true,
      shout: true,
      sum: true,
    });
  }));

test("input changed: a part of the work that is known already is not done again", () =>
  withTemporaryFolder(async (folder) => {
    const { why, work } = await again(folder, { values: { ...values, text: "a gnome reads" } });
    assert.equal(why.split, "config-changed");
    assert.deepEqual(work.toSorted(), ["measure", "shout reads", "split", "sum"]);
    // Once the new words are in the store, their readers know that their input is another one.
    const stages = toyStages();
    await runToy({
      folder,
      pipeline: wired(stages),
      values: { ...values, text: "a gnome sleeps" },
      selectors: { until: "split" },
    });
    const plan = await planToy({
      folder,
      pipeline: wired(stages),
      values: { ...values, text: "a gnome sleeps" },
    });
    assert.deepEqual(plan.stages[1].reasons, [{
      reason: "input-changed",
      port: "words",
      from: "split",
    }]);
  }));

test("source changed: names what came and went in the world outside", () =>
  withTemporaryFolder(async (folder) => {
    await runToy({
      folder,
      pipeline: wired(toyStages({ source: () => ["1.jpg", "2.jpg"] })),
      values,
    });
    const stages = toyStages({ source: () => ["2.jpg"] });
    const plan = await planToy({ folder, pipeline: wired(stages), values });
    assert.deepEqual(plan.stages[0].reasons, [{
      reason: "source-changed",
      changes: [{ key: "", from: "1.jpg" }],
    }]);
  }));

test("source changed: in the stage's own words, where it has some", () =>
  withTemporaryFolder(async (folder) => {
    const stages = (names: readonly string[]) => {
      const toys = toyStages({ source: () => names });
      const describeInputs = (before: unknown, now: unknown) => `${before} became ${now}`;
      return { ...toys, split: defineStage({ ...toys.split, describeInputs }) };
    };
    await runToy({ folder, pipeline: wired(stages(["1.jpg"])), values });
    const plan = await planToy({ folder, pipeline: wired(stages(["2.jpg"])), values });
    assert.equal(whyText(plan.stages[0]), "source changed (1.jpg became 2.jpg)");
  }));

test("version changed and another stage under the same id", () =>
  withTemporaryFolder(async (folder) => {
    const { plan, why } = await again(folder, {}, toyStages({ versions: { measure: 2 } }));
    assert.deepEqual(plan.stages[1].reasons, [{ reason: "version-changed", from: 1, to: 2 }]);
    assert.equal(why.shout, "cached");

    const other = defineStage({ ...toyStages().split, name: "cut" });
    const replaced = await planToy({
      folder,
      pipeline: pipeline("toy").stage("split", other),
      values,
    });
    assert.deepEqual(replaced.stages[0].reasons, [{
      reason: "stage-replaced",
      from: "split",
      to: "cut",
    }]);
  }));

test("forced: by --force, --no-cache, --from and --only", () =>
  withTemporaryFolder(async (folder) => {
    const all = await again(folder, { selectors: { force: true } });
    assert.deepEqual(
      new Set(Object.values(all.why).map((why) => why.split(" ")[0])),
      new Set(["forced"]),
    );
    assert.deepEqual(
      all.work.toSorted(),
      ["measure", "split", "sum"],
      "parts are still remembered",
    );

    const none = await again(folder, { selectors: { cache: false } });
    assert.deepEqual(none.work.toSorted(), ["measure", "shout a", "shout gnome", "split", "sum"]);

    const from = await again(folder, { selectors: { from: "measure" } });
    assert.deepEqual(from.why, {
      split: "cached",
      measure: "forced",
      shout: "cached",
      sum: "forced upstream",
    });
    assert.deepEqual(from.work, ["measure", "sum"]);

    const only = await again(folder, { selectors: { only: "shout" } });
    assert.deepEqual(only.why, {
      split: "cached",
      measure: "excluded",
      shout: "forced",
      sum: "excluded",
    });
  }));

test("--until leaves the rest out; --from and --only ask for what is before them", () =>
  withTemporaryFolder(async (folder) => {
    const stages = toyStages();
    const toy = { folder, pipeline: wired(stages), values };
    const refused = await refuseToy({ ...toy, selectors: { only: "sum" } });
    assert.match(refused.message, /--only.*result of split in the store, found new/s);
    const { plan, ending } = await runToy({ ...toy, selectors: { until: "measure" } });
    assert.deepEqual(reasonsOf(plan), {
      split: "new",
      measure: "new upstream",
      shout: "excluded",
      sum: "excluded",
    });
    assert.equal(ending.ending, "complete");
    assert.deepEqual(stages.work, ["split", "measure"]);
    const typo = await refuseToy({ ...toy, selectors: { from: "mesure" } });
    assert.match(typo.message, /--from: .*Did you mean measure\?/);
  }));

test("a corrupt blob is found by its digest, said, and made again, with the same bytes", () =>
  withTemporaryFolder(async (folder) => {
    await runToy({ folder, pipeline: wired(toyStages()), values });
    const path = blobOf(folder, "GNOME!");
    writeFileSync(path, "GNOME?");
    const stages = toyStages();
    const { plan, events, ending } = await runToy({ folder, pipeline: wired(stages), values });
    assert.deepEqual(reasonsOf(plan), {
      split: "cached",
      measure: "cached",
      shout: "output-corrupt",
      sum: "upstream",
    });
    assert.deepEqual(stages.work, ["shout gnome"], "only the damaged part");
    assert.match(eventsOf({ events }, "warning")[0].text, /shout: .*corrupt.*made again/);
    assert.equal(readFileSync(path, "utf8"), "GNOME!");
    assert.equal(ending.ending, "complete");
  }));

test("below a complete training, what is damaged is repaired, what is gone is not missed", () =>
  withTemporaryFolder(async (folder) => {
    const { split } = toyStages();
    const train = defineStage({
      ...plain,
      name: "train",
      reads: { words: split.writes.words },
      writes: {},
      lifetime: "run",
      run: () => Effect.succeed({}),
    });
    const toy: Toy = {
      folder,
      pipeline: pipeline("toy").stage("split", split)
        .stage("train", train, { words: "split.words" }),
      values,
    };
    await runToy(toy);
    writeFileSync(blobOf(folder, '["a","gnome"]'), "[]");
    assert.deepEqual(reasonsOf(await planToy(toy)), { split: "output-corrupt", train: "complete" });
    rmSync(join(folder, "output", ".gnomic-store"), { recursive: true });
    assert.deepEqual(reasonsOf(await planToy(toy)), { split: "unneeded", train: "complete" });
  }));

test("a reader of a stream that has all it owes runs again when its writer has more to say", () =>
  withTemporaryFolder(async (folder) => {
    let remainingWork: { readonly why: string } | null = null;
    const marks = stream("marks", Schema.Int);
    const run = { ...plain, lifetime: "run" } as const;
    const write = defineStage({
      ...run,
      name: "write",
      reads: {},
      writes: { marks },
      remainingWork: () => Effect.succeed(remainingWork),
      run: ({ writers }) => Effect.as(writers.marks(1), {}),
    });
    const read = defineStage({
      ...run,
      name: "read",
      reads: { marks },
      writes: {},
      run: ({ inputs }) => Effect.as(Stream.runDrain(inputs.marks), {}),
    });
    const toy: Toy = {
      folder,
      pipeline: pipeline("toy").stage("write", write).stage("read", read, { marks: "write.marks" }),
      values,
    };
    await runToy(toy);
    assert.deepEqual(reasonsOf(await planToy(toy)), { write: "complete", read: "complete" });
    remainingWork = { why: "another mark" };
    assert.deepEqual(reasonsOf(await planToy(toy)), { write: "owed", read: "upstream" });
  }));

test("a blob that rots unseen is caught when it is read, and what made it runs again", () =>
  withTemporaryFolder(async (folder) => {
    await runToy({ folder, pipeline: wired(toyStages()), values });
    const path = blobOf(folder, "GNOME!");
    const digests = join(folder, "output", ".gnomic-store", "digests.json");
    writeFileSync(path, "gnome!");
    // The store is made to believe that it looked already, as when a disk changes bytes by itself.
    await planToy({ folder, pipeline: wired(toyStages()), values });
    const info = statSync(path, { bigint: true });
    const known = JSON.parse(readFileSync(digests, "utf8"));
    known[path].stamp = stampOf(info);
    writeFileSync(digests, JSON.stringify(known));

    const stages = toyStages({ versions: { sum: 2 } }); // sum has to read it
    const { plan, events, ending } = await runToy({ folder, pipeline: wired(stages), values });
    assert.equal(reasonsOf(plan).shout, "cached", "nothing was noticed when it was planned");
    assert.equal(ending.ending, "complete");
    assert.deepEqual(stages.work, ["shout gnome", "sum"]);
    assert.match(eventsOf({ events }, "warning")[0].text, /made again now/);
  }));

test("an emptied store: what was there is said to be missing or new, and everything is made again", () =>
  withTemporaryFolder(async (folder) => {
    await runToy({ folder, pipeline: wired(toyStages()), values });
    rmSync(blobOf(folder, "A!"));
    const plan = await planToy({ folder, pipeline: wired(toyStages()), values });
    assert.equal(reasonsOf(plan).shout, "output-missing");
    rmSync(join(folder, "output", ".gnomic-store"), { recursive: true });
    const { why, work } = await again(folder, {});
    assert.equal(why.sum, "cached");
    assert.deepEqual(work, []);
  }));

test("not downloaded is a reason in a dry run, which writes nothing", () =>
  withTemporaryFolder(async (folder) => {
    const absent = new NotDownloaded({
      wanted: "stabilityai/x on this machine",
      found: "nothing of it",
      fix: "Run.",
    });
    const fetching = defineStage({
      ...plain,
      name: "fetch",
      reads: {},
      writes: { words },
      lifetime: "cached",
      inputs: (_, { offline }) => offline ? Effect.fail(absent) : Effect.succeed("digest"),
      run: () => Effect.succeed({ words: ["w"] }),
    });
    const stages = toyStages();
    const composed = pipeline("toy").stage("fetch", fetching)
      .stage("measure", stages.measure, { words: "fetch.words" });
    const plan = await planToy({ folder, pipeline: composed, values });
    assert.deepEqual(plan.stages[0].reasons, [
      { reason: "new" },
      { reason: "not-downloaded", what: "stabilityai/x" },
    ]);
    assert.equal(plan.run.name, "toy-????????", "which run it is depends on the weights");
    assert.deepEqual(readdirSync(folder), []);
    assert.equal((await runToy({ folder, pipeline: composed, values })).ending.ending, "complete");
  }));

test("the same pipeline in another folder has the same fingerprints and the same entries", () =>
  withTemporaryFolder(async (folder) => {
    const entries = async (at: string) => {
      const { plan } = await runToy({ folder: at, pipeline: wired(toyStages()), values });
      const store = join(at, "output", ".gnomic-store", "artefacts");
      return [
        plan.run.name,
        ...files(store).sort().map((path) => readFileSync(path, "utf8").replaceAll(store, "")),
      ];
    };
    const one = await entries(join(folder, "secret-one"));
    const other = await entries(join(folder, "elsewhere", "two"));
    assert.deepEqual(one, other);
    assert.ok(!one.join().includes("secret-one"));
  }));
