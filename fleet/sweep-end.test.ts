// What the process that ends a workflow does with the runs that it sees, through the real engine on a file with
// trainings that are functions; and that runs that lie elsewhere do not keep a sweep from its end.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "node:test";
import { Duration, Effect } from "effect";
import { withTemporaryFolder } from "../runtime/testing/temporary-folder.ts";
import { embeddedLayer } from "./engine.ts";
import { writeSafetensors } from "../lib/safetensors/safetensors.ts";
import { groupOf } from "../sweep/ranking.ts";
import type { PlannedSweep } from "./planned-sweep.ts";
import { RunFiles } from "./sweep-end.ts";
import { Sweep } from "./sweep-workflow.ts";
import { Tables } from "./tables.ts";
import { planOf, reaching } from "./testing/toy-sweeps.ts";
import type { Train } from "./train-fenced.ts";
import { runWorker } from "./worker.ts";

/** What was copied and whose checkpoints were dropped. */
async function ended(
  folder: string,
  plan: PlannedSweep,
  train: Train = reaching([]),
  before: (tables: Tables["Service"]) => Effect.Effect<void, unknown> = () => Effect.void,
) {
  const copied: string[] = [];
  const dropped: string[] = [];
  const files: RunFiles = {
    copyEmbedding: (from, to, more) =>
      Effect.sync(() => {
        const { number } = JSON.parse(more["gnomic.trial"]);
        copied.push([number, ...[from, to].map((path) => basename(path))].join(" "));
      }),
    dropCheckpoints: (dir) => Effect.sync(() => void dropped.push(basename(dir))),
  };
  const state = await Effect.runPromise(
    Effect.scoped(Effect.gen(function* () {
      const tables = yield* Tables;
      yield* before(tables);
      yield* tables.submit(plan);
      yield* Effect.forkScoped(
        runWorker({
          ...{ name: "m", slots: 1, lease: Duration.seconds(1), say: () => {} },
          train,
        }),
      );
      yield* Sweep.execute({ sweep: plan.name, round: 0 }, { discard: true });
      const state = Effect.map(tables.findSweep(plan.name), (sweep) => sweep!.state);
      while ((yield* state) === "running") yield* Effect.sleep("20 millis");
      return yield* state;
    })).pipe(
      Effect.provide(embeddedLayer(join(folder, "fleet.db"))),
      Effect.provideService(RunFiles, files),
    ) as Effect.Effect<string>,
  );
  assert.equal(state, "done");
  return { copied, dropped: dropped.toSorted() };
}

const makeRuns = async (folder: string, { trials }: PlannedSweep, step = 900) => {
  for (const { run } of trials) {
    mkdirSync(join(folder, run));
    writeFileSync(join(folder, run, "t-best.safetensors"), "");
    await writeSafetensors(join(folder, run, "state.safetensors"), new Map(), {
      step: String(step),
    });
  }
};

// Losses are 7, 14, 21 and 1.
const halved = (folder: string, more: Partial<PlannedSweep> = {}) =>
  planOf(4, { base: folder, rungs: [100], factor: 2, ...more });

test("the winner is copied; with `keep: best` who lost, at the end or a halving, has no checkpoints", () =>
  withTemporaryFolder(async (folder) => {
    const plan = halved(folder, { keep: "best" });
    await makeRuns(folder, plan);
    assert.deepEqual(await ended(folder, plan), {
      copied: ["4 t-best.safetensors best.safetensors"],
      dropped: ["run-1", "run-2", "run-3"],
    });
  }));

test("a run that a sweep has which is not over, or that won another, keeps its checkpoints", () =>
  withTemporaryFolder(async (folder) => {
    const plan = halved(folder, { keep: "best" });
    await makeRuns(folder, plan);
    const other = (name: string, ...runs: readonly number[]) =>
      planOf(0, { name, base: folder, trials: runs.map((run) => plan.trials[run - 1]) });
    const others = (tables: Tables["Service"]) =>
      Effect.gen(function* () {
        yield* tables.submit(other("waits", 1));
        yield* tables.end("waits", "cancelled");
        yield* tables.submit(other("won", 2, 3));
        const reached = { step: 900, best: null, seconds: 1, machine: "m", files: [] };
        for (const [trial, loss] of [[2, 14], [3, 21]]) {
          yield* tables.record(
            { sweep: "won", round: 0, trial, until: null },
            { outcome: "done", ...reached, loss, best: { step: 900, loss } },
          );
        }
        yield* tables.end("won", "done");
      });
    assert.deepEqual((await ended(folder, plan, reaching([]), others)).dropped, ["run-3"]);
  }));

test("with `keep: all` nothing is dropped, and each group has its winner", () =>
  withTemporaryFolder(async (folder) => {
    const plan = halved(folder, { rungs: [], per: ["seed"] });
    const trials = plan.trials.map((trial) => {
      const overrides = { ...trial.overrides, seed: trial.number % 2 };
      return { ...trial, overrides, group: groupOf({ overrides }, plan.per) };
    });
    await makeRuns(folder, plan);
    const { copied, dropped } = await ended(folder, { ...plan, trials });
    assert.deepEqual(copied.toSorted(), [
      "1 t-best.safetensors best-1.safetensors",
      "4 t-best.safetensors best-0.safetensors",
    ]);
    assert.deepEqual(dropped, []);
  }));

test("where none of a group won, who lost a halving there keeps its checkpoints", () =>
  withTemporaryFolder(async (folder) => {
    const plan = planOf(8, {
      ...{ base: folder, rungs: [100], factor: 2, keep: "best", per: ["seed"], attempts: 1 },
    });
    const trials = plan.trials.map((trial) => {
      const overrides = { seed: trial.number % 2 };
      return { ...trial, overrides, group: groupOf({ overrides }, plan.per) };
    });
    await makeRuns(folder, plan);
    // Losses are 7, 14, 21, 1, 8, 15, 22, 2: 1 and 5 go on of the odd ones, and fail.
    const train: Train = (work) => {
      const { trial, until } = work.segment;
      return until !== null || trial % 2 === 0 ? reaching([])(work) : Effect.succeed({
        ...{ outcome: "failed", step: 100, exit: 2, message: "broke", machine: "m" },
      });
    };
    assert.deepEqual(await ended(folder, { ...plan, trials }, train), {
      copied: ["4 t-best.safetensors best-0.safetensors"],
      dropped: ["run-2", "run-6", "run-8"],
    });
  }));

test("where only an older copy of the winner is, it is not taken for it", () =>
  withTemporaryFolder(async (folder) => {
    const plan = halved(folder, { keep: "best" });
    await makeRuns(folder, plan, 899);
    assert.deepEqual(await ended(folder, plan), { copied: [], dropped: [] });
  }));

test("where the runs are not, nothing is touched", () =>
  withTemporaryFolder(async (folder) => {
    const plan = halved(folder, { keep: "best" });
    assert.deepEqual(await ended(folder, plan), { copied: [], dropped: [] });
  }));
