// Which run a command finds: its own again, one that it nearly means, one that it names.
import assert from "node:assert/strict";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Effect, Schema } from "effect";
import { MemoryFault } from "../../engine/memory/plan-memory.ts";
import { writeSafetensors } from "../../lib/safetensors/safetensors.ts";
import { fault } from "../../lib/fault.ts";
import { findRuns } from "../../observe/reading/run-folders.ts";
import { surveyRuns } from "../runs/survey.ts";
import { makeStopSignal } from "../execute/stop-signal.ts";
import { type App, noFacts } from "../app.ts";
import { savedStep } from "../run-folder/state.ts";
import { saveState } from "../run-folder/state.ts";
import { pipeline } from "../pipeline/compose.ts";
import { defineStage } from "../stage.ts";
import { startChild } from "../testing/child.ts";
import { withTemporaryFolder } from "../testing/temporary-folder.ts";
import { toyStages } from "../testing/toy-stages.ts";
import {
  eventsOf,
  planToy,
  reasonsOf,
  refuseToy,
  runToy,
  type Toy,
  toyEffect,
} from "../testing/toy-world.ts";
import { explainPlan } from "./explain.ts";

const holdLock = fileURLToPath(new URL("../testing/hold-lock.ts", import.meta.url));

class Breakdown extends fault("Breakdown", "world") {}
const breakdown = new Breakdown({ wanted: "power", found: "none", fix: "Wait." });

interface Seen {
  readonly seeds: number[];
  readonly horizons: (number | null)[];
}

/** A training of `steps` steps, which may break down after some. */
function training(seen: Seen = { seeds: [], horizons: [] }, breaksAt = Infinity) {
  const { split } = toyStages();
  const train = defineStage({
    name: "train",
    version: 1,
    summary: "Counts",
    options: Schema.Struct({ steps: Schema.Int, rate: Schema.Finite, seed: Schema.Int }),
    reads: { words: split.writes.words },
    writes: {},
    lifetime: "run",
    remainingWork: ({ steps }, { runDir }) =>
      Effect.map(
        savedStep(runDir),
        (step) =>
          step !== null && step >= steps
            ? null
            : { why: `trained to step ${step ?? 0} of ${steps}`, step: step ?? 0 },
      ),
    run: ({ options, tools }) =>
      Effect.gen(function* () {
        assert.equal(options.seed, tools.seed);
        seen.seeds.push(tools.seed);
        seen.horizons.push(tools.run.scheduleSteps);
        for (
          let step = ((yield* savedStep(tools.runDir)) ?? 0) + 1;
          step <= options.steps;
          step++
        ) {
          if (step > breaksAt) return yield* breakdown;
          yield* saveState(tools.runDir, tools.run.origin, new Map(), { step: `${step}` });
          yield* tools.progress(step, options.steps, "steps");
        }
        return {};
      }),
  });
  return pipeline("toy").stage("split", split).stage("train", train, { words: "split.words" });
}

const values = { text: "a gnome", steps: 4, rate: 0.1, seed: 5 };
const manifestOf = (dir: string) => JSON.parse(readFileSync(join(dir, "run.json"), "utf8"));
const runsIn = (folder: string) =>
  readdirSync(join(folder, "output")).filter((name) => !name.startsWith("."));

test("the same command finds its own folder, goes on, and then has nothing to do", () =>
  withTemporaryFolder(async (folder) => {
    const first = await runToy({ folder, pipeline: training(undefined, 2), values });
    assert.match(first.ending.run, /^toy-[0-9a-f]{8}$/);
    assert.deepEqual([first.ending.ending, first.ending.step], ["failed", 2]);
    const plan = await planToy({ folder, pipeline: training(), values });
    assert.deepEqual(plan.stages[1].reasons, [
      { reason: "owed", what: "trained to step 2 of 4", step: 2 },
    ]);
    assert.deepEqual([plan.run.isNew, plan.run.step], [false, 2]);
    const second = await runToy({ folder, pipeline: training(), values });
    assert.deepEqual([second.ending.ending, second.ending.dir], ["complete", first.ending.dir]);

    const content = () =>
      readdirSync(first.ending.dir, { withFileTypes: true }).flatMap((entry) =>
        entry.isFile() ? [[entry.name, readFileSync(join(first.ending.dir, entry.name))]] : []
      );
    const before = content();
    const third = await runToy({ folder, pipeline: training(), values });
    assert.deepEqual([third.ending.ending, third.ending.worked], ["complete", false]);
    assert.deepEqual(reasonsOf(third.plan), { split: "cached", train: "complete" });
    assert.deepEqual(third.plan.run.changed, []);
    const late = await planToy({
      folder,
      pipeline: training(),
      values: { ...values, log_every: 2 },
    });
    assert.match(explainPlan(late).join("\n"), /too late for a complete run: log_every\./);
    assert.deepEqual(content(), before, "a complete run is not touched");
    assert.deepEqual(runsIn(folder), [first.ending.run]);
  }));

test("beside a copy of its folder, a command goes on with the run and not with the copy", () =>
  withTemporaryFolder(async (folder) => {
    const { ending } = await runToy({ folder, pipeline: training(undefined, 2), values });
    for (const name of ["a-copy", "z-copy"]) {
      cpSync(ending.dir, join(folder, "output", name), { recursive: true });
    }
    assert.equal((await planToy({ folder, pipeline: training(), values })).run.name, ending.run);
    rmSync(ending.dir, { recursive: true });
    assert.equal((await planToy({ folder, pipeline: training(), values })).run.name, "a-copy");
  }));

test("the manifest tells each attempt, its steps and how it ended, and the digests in and out", () =>
  withTemporaryFolder(async (folder) => {
    await runToy({ folder, pipeline: training(undefined, 2), values });
    const { ending } = await runToy({ folder, pipeline: training(), values });
    const manifest = manifestOf(ending.dir);
    assert.equal(manifest.status, "complete");
    assert.deepEqual(
      manifest.attempts.map(({ fromStep, toStep, exit }: any) => [fromStep, toStep, exit]),
      [[0, 2, 3], [2, 4, 0]],
    );
    assert.ok(manifest.attempts.every(({ startedAt, endedAt }: any) => endedAt >= startedAt));
    assert.match(manifest.outputs.split.words, /^[0-9a-f]{64}$/);
    assert.deepEqual(manifest.configuration, values);
    assert.match(manifest.attempts[0].versions.effect, /^\d/);
  }));

test("seed null is drawn once, kept, and used again", () =>
  withTemporaryFolder(async (folder) => {
    const drawn = { ...values, seed: null };
    const seen: Seen = { seeds: [], horizons: [] };
    const { ending } = await runToy({ folder, pipeline: training(seen, 1), values: drawn });
    await runToy({ folder, pipeline: training(seen), values: drawn });
    assert.equal(seen.seeds.length, 2);
    assert.equal(seen.seeds[0], seen.seeds[1]);
    assert.equal(manifestOf(ending.dir).seed, seen.seeds[0]);
    // Another folder draws another seed (one chance in two thousand million to be equal).
    await runToy({ folder: join(folder, "other"), pipeline: training(seen), values: drawn });
    assert.notEqual(seen.seeds[2], seen.seeds[0]);
  }));

test("facts are found once, said, kept, and told to the stages; what hides from results is not said", () =>
  withTemporaryFolder(async (folder) => {
    const kept: unknown[] = [];
    const facts: App["facts"] = (wish) =>
      Effect.sync(() => {
        kept.push(wish.kept);
        return {
          device: wish.kept?.device ?? `card ${kept.length}`,
          kept: { memoryPlan: "B" },
          values: { provider: "card" },
          stageValues: { memory_plan: "B" },
          shown: { memory: "enough" },
          notes: wish.kept === null ? ["it is the fastest"] : [],
          refusal: undefined,
        };
      });
    const toy: Toy = { folder, pipeline: training(undefined, 2), values, app: { facts } };
    const first = await runToy(toy);
    assert.match(eventsOf(first, "note")[0].text, /fastest/);
    const second = await runToy({ ...toy, pipeline: training() });
    assert.deepEqual(kept, [null, { device: "card 1", facts: { memoryPlan: "B" } }]);
    assert.deepEqual(eventsOf(second, "note"), []);
    const manifest = manifestOf(second.ending.dir);
    assert.deepEqual([manifest.format, manifest.device, manifest.facts], [2, "card 1", {
      memoryPlan: "B",
    }]);
    assert.deepEqual(
      [manifest.configuration.provider, manifest.configuration.memory_plan],
      ["card", undefined],
    );
    assert.deepEqual([second.plan.device, second.plan.facts], ["card 1", { memory: "enough" }]);
  }));

test("what facts refuse is refused before anything runs, and in a dry run only said", () =>
  withTemporaryFolder(async (folder) => {
    const refusal = new MemoryFault({ wanted: "9 GiB", found: "1 GiB", fix: "Free memory." });
    const toy: Toy = {
      folder,
      pipeline: training(),
      values,
      app: { facts: () => Effect.succeed({ ...noFacts, device: "cpu", refusal }) },
    };
    assert.equal(await refuseToy(toy), refusal);
    assert.ok(!existsSync(join(folder, "output")));
    assert.equal((await planToy(toy)).device, "cpu");
  }));

test("an option that names no run does not change the folder; another one does", () =>
  withTemporaryFolder(async (folder) => {
    const one = await runToy({ folder, pipeline: training(), values });
    const longer = await runToy({ folder, pipeline: training(), values: { ...values, steps: 6 } });
    assert.deepEqual([longer.ending.run, longer.ending.step], [one.ending.run, 6]);
    const other = await runToy({ folder, pipeline: training(), values: { ...values, rate: 0.2 } });
    assert.notEqual(other.ending.run, one.ending.run);
  }));

test("an unfinished run that differs by a few keys is named, and --resume goes on with it", () =>
  withTemporaryFolder(async (folder) => {
    const { ending } = await runToy({ folder, pipeline: training(undefined, 3), values });
    const changed: Toy = { folder, pipeline: training(), values: { ...values, rate: 0.2 } };
    const plan = await planToy(changed);
    assert.deepEqual(plan.run.similar, [{
      run: ending.run,
      step: 3,
      complete: false,
      changes: [{ key: "config.rate", from: 0.1, to: 0.2 }],
      what: "config.rate: 0.1 -> 0.2",
      why: `--resume ${ending.run} goes on with it all the same`,
    }]);
    const text = explainPlan(plan).join("\n");
    assert.match(text, /unfinished, at step 3\) differs in config\.rate: 0\.1 -> 0\.2/);
    assert.match(text, /This starts a new one/);

    const resumed = await runToy({ ...changed, choice: { resume: ending.run } });
    assert.deepEqual([resumed.ending.dir, resumed.ending.step], [ending.dir, 4]);
    assert.equal(manifestOf(ending.dir).configuration.rate, 0.2);
    // From now on the changed command finds this run by itself.
    assert.equal((await planToy(changed)).run.name, ending.run);
    assert.equal((await planToy({ ...changed, values })).run.name, ending.run);
  }));

test("of many runs that are nearly meant the furthest are named, and how many more there are", () =>
  withTemporaryFolder(async (folder) => {
    for (const [rate, step] of [[0.2, 1], [0.3, 3], [0.4, 2], [0.5, 1]]) {
      await runToy({ folder, pipeline: training(undefined, step), values: { ...values, rate } });
    }
    const plan = await planToy({ folder, pipeline: training(), values });
    const text = explainPlan(plan).join("\n");
    assert.equal(plan.run.similar.length, 4);
    assert.deepEqual([...text.matchAll(/unfinished, at step (\d)/g)].map(([, step]) => step), [
      ...["3", "2", "1"],
    ]);
    assert.match(text, /\.\.\. and 1 more runs that differ in little: `runs list`\./);
  }));

test("a run started anew beside an unfinished one remembers it as its parent", () =>
  withTemporaryFolder(async (folder) => {
    const { ending } = await runToy({ folder, pipeline: training(undefined, 3), values });
    const anew = await runToy({ folder, pipeline: training(), values: { ...values, rate: 0.2 } });
    assert.equal(manifestOf(anew.ending.dir).parent, ending.run);
    const many = { text: "b", rate: 1, seed: 9, steps: 1, a: 1, b: 2, c: 3, d: 4, e: 5 };
    const plan = await planToy({ folder, pipeline: training(), values: many });
    assert.deepEqual(plan.run.similar, [], "too different to be meant");
  }));

test("--resume takes what `runs` takes: the beginning of a name, a folder, latest of its pipeline", () =>
  withTemporaryFolder(async (folder) => {
    const { ending } = await runToy({ folder, pipeline: training(undefined, 3), values });
    const changed: Toy = { folder, pipeline: training(), values: { ...values, rate: 0.2 } };
    for (const resume of [ending.run.slice(0, -3), "latest", ending.dir]) {
      const plan = await planToy({ ...changed, choice: { resume } });
      assert.deepEqual([plan.run.name, plan.run.isNew], [ending.run, false], resume);
    }
    const manifest = join(ending.dir, "run.json");
    const other = { ...manifestOf(ending.dir), pipeline: "another" };
    writeFileSync(manifest, JSON.stringify(other));
    const error = await refuseToy({ ...changed, choice: { resume: "latest" } });
    assert.match(error.message, /no runs/);
  }));

test("--resume with a wrong name names the runs there are", () =>
  withTemporaryFolder(async (folder) => {
    const { ending } = await runToy({ folder, pipeline: training(undefined, 3), values });
    const typo = `${ending.run.slice(0, -1)}_`;
    const error = await refuseToy({
      folder,
      pipeline: training(),
      values,
      choice: { resume: typo },
    });
    assert.equal(error.kind, "user");
    assert.match(error.message, new RegExp(`--resume: .*Is it ${ending.run}\\?`));
  }));

test("where the length matters a longer run is new and says why; --extend keeps the old schedule", () =>
  withTemporaryFolder(async (folder) => {
    const lengthMatters = {
      lengthMatters: "the rate of lr_scheduler cosine depends on the length",
    };
    const of = (steps: number) => ({
      values: { ...values, steps, max_train_steps: steps },
      configuration: lengthMatters,
    });
    const one = await runToy({ folder, pipeline: training(), ...of(4) });
    const plan = await planToy({ folder, pipeline: training(), ...of(6) });
    assert.equal(plan.run.isNew, true);
    assert.match(
      explainPlan(plan).join("\n"),
      /max_train_steps: 4 -> 6\.\n +This is a new run: .*cosine depends on the length; --extend/,
    );
    const seen: Seen = { seeds: [], horizons: [] };
    const extended = await runToy({
      folder,
      pipeline: training(seen),
      ...of(6),
      choice: { extend: true },
    });
    assert.deepEqual([extended.ending.dir, extended.ending.step], [one.ending.dir, 6]);
    assert.deepEqual(seen.horizons, [4]);
    const again = await planToy({ folder, pipeline: training(), ...of(6) });
    assert.deepEqual(reasonsOf(again), { split: "cached", train: "complete" });
  }));

test("a schedule of epochs is as long as its training said that it is", () =>
  withTemporaryFolder(async (folder) => {
    const of = (epochs: number) => {
      const length = { steps: 2 * epochs, max_train_epochs: epochs };
      return { values: { ...values, ...length }, configuration: { lengthMatters: "cosine" } };
    };
    const seen: Seen = { seeds: [], horizons: [] };
    await runToy({ folder, pipeline: training(seen), ...of(2) });
    for (const epochs of [3, 4]) {
      await runToy({ folder, pipeline: training(seen), ...of(epochs), choice: { extend: true } });
    }
    assert.deepEqual(seen.horizons, [null, 4, 4]);
  }));

test("a folder that is in the way, or a damaged manifest, is not taken for a run", () =>
  withTemporaryFolder(async (folder) => {
    mkdirSync(join(folder, "output", "holiday"), { recursive: true });
    writeFileSync(join(folder, "output", "holiday", "run.json"), '{"format":');
    const { ending } = await runToy({ folder, pipeline: training(), values });
    assert.equal(ending.ending, "complete");
  }));

test("two processes: the second is refused while the first lives, and takes over when it is dead", () =>
  withTemporaryFolder(async (folder) => {
    const toy = { folder, pipeline: training(), values };
    const { run } = await planToy(toy);
    mkdirSync(run.dir, { recursive: true });
    const other = startChild(holdLock, [run.dir]);
    await other.line("locked");
    const refusal = await refuseToy(toy);
    assert.deepEqual([refusal._tag, refusal.kind], ["RunLocked", "user"]);
    other.process.kill("SIGKILL");
    await other.ended;
    const { ending, events } = await runToy(toy);
    assert.equal(ending.ending, "complete");
    const said = eventsOf({ events }, "warning").map(({ text }) => text).join();
    assert.match(said, new RegExp(`Process ${other.process.pid} .*is dead`));
  }));

test("nothing is written when something is wrong", () =>
  withTemporaryFolder(async (folder) => {
    const { split } = toyStages();
    const picky = defineStage({
      ...split,
      name: "picky",
      writes: {},
      lifetime: "run",
      preflight: () =>
        Effect.succeed([
          breakdown,
          new Breakdown({ wanted: "light", found: "none", fix: "Wait." }),
        ]),
      run: () => Effect.succeed({}),
    });
    const error = await refuseToy({
      folder,
      pipeline: pipeline("toy").stage("picky", picky),
      values,
    });
    assert.match(error.message, /^2 problems/);
    assert.deepEqual(readdirSync(folder), []);
    const wrong = await refuseToy({
      folder,
      pipeline: training(),
      values: { ...values, steps: "many" as never, rate: null as never },
    });
    assert.match(wrong.message, /^2 problems/);
    assert.deepEqual(readdirSync(folder), []);
  }));

test("a stage that has nothing to do is not asked what is wrong", () =>
  withTemporaryFolder(async (folder) => {
    let asked = 0;
    const careful = defineStage({
      ...toyStages().split,
      preflight: () => Effect.sync(() => (asked++, [])),
    });
    const toy: Toy = { folder, pipeline: pipeline("toy").stage("split", careful), values };
    await runToy(toy);
    assert.equal(asked, 1);
    await runToy(toy);
    assert.equal(asked, 1);
  }));

test("once something is wrong, no stage after it is asked to use the network", () =>
  withTemporaryFolder(async (folder) => {
    const { split } = toyStages();
    const asked: boolean[] = [];
    const saying = (name: string, wrong: boolean) =>
      defineStage({
        ...split,
        name,
        inputs: (_, { offline }) => {
          asked.push(offline);
          const missing = new Breakdown({ wanted: name, found: "none", fix: "Wait." });
          return wrong ? Effect.fail(missing) : Effect.succeed(null);
        },
      });
    const three = pipeline("toy").stage("one", saying("one", false))
      .stage("two", saying("two", true)).stage("three", saying("three", true));
    const error = await refuseToy({ folder, pipeline: three, values });
    assert.deepEqual(asked, [false, false, true]);
    assert.match(error.message, /^2 problems/);
  }));

test("events: started, planned, finished, in one log over all attempts", () =>
  withTemporaryFolder(async (folder) => {
    await runToy({ folder, pipeline: training(undefined, 2), values });
    const second = await runToy({ folder, pipeline: training(), values });
    assert.deepEqual(
      eventsOf(second, "run-started").map(({ attempt, step }) => [attempt, step]),
      [[2, 2]],
    );
    const log = readFileSync(join(second.ending.dir, "events.jsonl"), "utf8").trimEnd().split("\n")
      .map((line) => JSON.parse(line).event);
    assert.equal(log.filter((event) => event === "run-started").length, 2);
    assert.equal(log.filter((event) => event === "run-failed").length, 1);
    assert.equal(log.at(-1), "run-finished");
  }));

test("asked to stop while the world is still being looked at, nothing is begun", () =>
  withTemporaryFolder(async (folder) => {
    const stop = makeStopSignal();
    const { split } = toyStages();
    const downloading = defineStage({
      ...split,
      inputs: () => Effect.andThen(Effect.sync(stop.request), Effect.never),
    });
    const error = await refuseToy({
      folder,
      pipeline: pipeline("toy").stage("split", downloading),
      values,
      stop,
    });
    assert.equal(error._tag, "Stopped");
    assert.deepEqual(readdirSync(folder), []);
  }));

const drawn = { text: "a gnome", steps: 4, rate: 0.1 };

for (const damage of ["missing", "damaged"] as const) {
  test(`a run whose run.json is ${damage} goes on from its state, with its own seed`, () =>
    withTemporaryFolder(async (folder) => {
      const seen: Seen = { seeds: [], horizons: [] };
      const first = await runToy({ folder, pipeline: training(seen, 2), values: drawn });
      const file = join(first.ending.dir, "run.json");
      if (damage === "missing") rmSync(file);
      else writeFileSync(file, readFileSync(file, "utf8").slice(0, -9));
      const plan = await planToy({ folder, pipeline: training(), values: drawn });
      assert.deepEqual([plan.run.dir, plan.run.isNew, plan.run.step], [first.ending.dir, false, 2]);
      assert.match(explainPlan(plan).join("\n"), new RegExp(`run.json is ${damage}.*its own seed`));
      const other = await planToy({ folder, pipeline: training(), values: { ...drawn, rate: 9 } });
      assert.match(
        explainPlan(other).join("\n"),
        /\(at step 2\): its run.json is .* Its own command/,
      );

      const second = await runToy({ folder, pipeline: training(seen), values: drawn });
      assert.deepEqual([second.ending.ending, second.ending.dir], ["complete", first.ending.dir]);
      assert.equal(seen.seeds[0], seen.seeds[1]);
      assert.equal(manifestOf(first.ending.dir).seed, seen.seeds[0]);
      assert.equal(existsSync(`${file}.damaged`), damage === "damaged");
      assert.match(eventsOf(second, "warning")[0].text, /made again from the run's state/);
      assert.deepEqual(runsIn(folder), [first.ending.run]);
    }));
}

test("a run that lost its run.json beside an old state is left alone, and named", () =>
  withTemporaryFolder(async (folder) => {
    const { ending } = await runToy({ folder, pipeline: training(undefined, 2), values: drawn });
    rmSync(join(ending.dir, "run.json"));
    await writeSafetensors(join(ending.dir, "state.safetensors"), new Map(), { step: "2" });
    const plan = await planToy({ folder, pipeline: training(), values: drawn });
    assert.ok(plan.run.isNew && plan.run.dir !== ending.dir);
    assert.match(explainPlan(plan).join("\n"), /\(at step 2\): its run.json is missing\. To go on/);
    const again = await runToy({ folder, pipeline: training(), values: drawn });
    assert.equal(again.ending.ending, "complete");
    assert.deepEqual(readdirSync(ending.dir).includes("run.json"), false);
  }));

test("a run of a newer format is said and left alone, whatever its state says", () =>
  withTemporaryFolder(async (folder) => {
    const { ending } = await runToy({ folder, pipeline: training(undefined, 2), values });
    const file = join(ending.dir, "run.json");
    writeFileSync(file, JSON.stringify({ ...manifestOf(ending.dir), format: 3, more: true }));
    const before = readFileSync(file, "utf8");
    const refused = await refuseToy({ folder, pipeline: training(), values });
    assert.match(
      refused.message,
      /run\.json: wanted .*format 2 or older, found format 3, of a newer/,
    );
    assert.equal(refused.kind, "user");
    assert.equal(readFileSync(file, "utf8"), before);
    assert.deepEqual(runsIn(folder), [ending.run]);
    const other = await runToy({ folder, pipeline: training(), values: { ...values, rate: 0.2 } });
    assert.match(
      explainPlan(other.plan).join("\n"),
      /toy-[0-9a-f]{8} \(at step 2\): its run\.json is format 3, of a newer version/,
    );
    assert.equal(readFileSync(file, "utf8"), before);
  }));

test("a run.json that is not of the state beside it is refused", () =>
  withTemporaryFolder(async (folder) => {
    const { ending } = await runToy({ folder, pipeline: training(undefined, 2), values });
    const manifest = manifestOf(ending.dir);
    writeFileSync(join(ending.dir, "run.json"), JSON.stringify({ ...manifest, seed: 6 }));
    const refused = await refuseToy({ folder, pipeline: training(), values });
    assert.deepEqual([refused._tag, refused.kind], ["ForeignState", "user"]);
  }));

test("links to runs are runs", () =>
  withTemporaryFolder(async (folder) => {
    const { ending } = await runToy({ folder, pipeline: training(undefined, 2), values: drawn });
    const real = join(folder, "elsewhere");
    renameSync(ending.dir, real);
    symlinkSync(real, ending.dir, "dir");
    const plan = await planToy({ folder, pipeline: training(), values: drawn });
    assert.deepEqual([plan.run.dir, plan.run.step], [ending.dir, 2]);
    const surveyed = await Effect.runPromise(surveyRuns(join(folder, "output")));
    assert.deepEqual(surveyed.map(({ name, step }) => [name, step]), [[ending.run, 2]]);
    assert.deepEqual((await findRuns(join(folder, "output"))).map(({ dir }) => dir), [ending.dir]);
  }));

test("the same command many times at the same instant makes one run of one seed", () =>
  withTemporaryFolder(async (folder) => {
    const seen: Seen = { seeds: [], horizons: [] };
    const all = await Promise.all(
      Array.from({ length: 8 }, () =>
        Effect.runPromise(
          Effect.result(toyEffect({ folder, pipeline: training(seen), values: drawn })),
        )),
    );
    const done = all.flatMap((each) => each._tag === "Success" ? [each.success.ending] : []);
    assert.ok(done.length > 0);
    assert.deepEqual(new Set(done.map(({ dir }) => dir)).size, 1);
    assert.equal(runsIn(folder).length, 1);
    assert.equal(new Set(seen.seeds).size, 1);
    for (const each of all) {
      if (each._tag === "Failure") assert.equal(each.failure._tag, "RunLocked");
    }
  }));
