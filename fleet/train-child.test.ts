// The command line of a segment: the sweep's number of threads on every machine, unless a trial has its own. And
// what becomes of its process, however it ends.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Effect } from "effect";
import { diskFault } from "../lib/disk-fault.ts";
import { lockRun } from "../lib/lock.ts";
import { writeSafetensors } from "../lib/safetensors/safetensors.ts";
import { exitCodeOf } from "../runtime/execute/outcome.ts";
import { withTemporaryFolder } from "../runtime/testing/temporary-folder.ts";
import type { PlannedSweep } from "./planned-sweep.ts";
import { planOf } from "./testing/toy-sweeps.ts";
import { fullDisk, heldByAnother, segmentArguments, trainInChild } from "./train-child.ts";

const threadsIn = (more: Partial<PlannedSweep>, overrides: object, here: number | null) => {
  const plan = planOf(1, more);
  const args = segmentArguments({
    plan,
    trial: { ...plan.trials[0], overrides: { ...overrides } },
    segment: { sweep: "s", round: 0, trial: 1, until: null },
    base: "/b",
    fit: { fits: true, config: null, overrides: {} },
  }, here);
  return args.filter((each) => each.startsWith("threads=")).at(-1);
};

test("the sweep's number of threads counts, then its configuration's, then the machine's; a trial's before all", () => {
  assert.equal(threadsIn({ threads: 3 }, {}, 1), "threads=3");
  assert.equal(threadsIn({ threads: 3 }, {}, null), "threads=3");
  assert.equal(threadsIn({ threads: 3 }, { threads: 2 }, 1), "threads=2");
  assert.equal(threadsIn({ setsThreads: true }, {}, 4), undefined);
  assert.equal(threadsIn({ setsThreads: true }, { threads: 2 }, 4), "threads=2");
  assert.equal(threadsIn({}, {}, 4), "threads=4");
  assert.equal(threadsIn({}, {}, null), undefined);
});

test("a run that another process is in is told from what the user has to change", () =>
  withTemporaryFolder(async (folder) => {
    const refused = await Effect.runPromise(Effect.scoped(
      Effect.andThen(lockRun(folder), Effect.flip(Effect.scoped(lockRun(folder)))),
    ));
    const said = ["A warning before it.", refused.message];
    assert.equal(heldByAnother({ exit: exitCodeOf(refused), said }), refused.message);
    assert.equal(heldByAnother({ exit: 2, said: ["rate: wanted a number, found no. Fix."] }), null);
    assert.equal(heldByAnother({ exit: 3, said }), null);
  }));

for (
  const [what, how, said] of [
    ["that hangs", "never", "nothing was heard of it for 3 s"],
    ["that reads where nothing is", "SIGSEGV", "it was ended by SIGSEGV"],
    ["that is out of memory, by itself", "SIGABRT", "it was ended by SIGABRT"],
    ["that is out of memory, for the system", "SIGKILL", "it was ended by SIGKILL"],
  ]
) {
  test(`a training ${what} is a failure, and it is said`, () =>
    withTemporaryFolder(async (folder) => {
      const pipeline = join(folder, "pipeline.yaml");
      writeFileSync(pipeline, "pipeline: ends\nstages:\n  ends: { use: ./ends.ts }\n");
      writeFileSync(
        join(folder, "ends.ts"),
        `export default (gnomic) => gnomic.defineStage({
          name: "ends", version: 1, summary: "", lifetime: "run", reads: {}, writes: {},
          options: gnomic.Schema.Struct({ how: gnomic.Schema.String }),
          run: ({ options: { how } }) => gnomic.Effect.suspend(() => {
            // Again and again: Deno's own handler lets a first SIGSEGV pass that no address caused.
            if (how !== "never") setInterval(() => process.kill(process.pid, how), 50);
            return gnomic.Effect.never;
          }),
        });`,
      );
      const plan = planOf(1, { pipeline, base: folder });
      const outcome = await Effect.runPromise(
        trainInChild({ threads: null, silentSeconds: how === "never" ? 3 : 600 })({
          segment: { sweep: "s", round: 0, trial: 1, until: null },
          ...{ plan, trial: { ...plan.trials[0], overrides: { how } }, base: folder },
          fit: { fits: true, config: null, overrides: {} },
          ...{ onStep: () => {}, onMoment: () => {}, isLost: () => false },
        }),
      );
      assert.ok(outcome.outcome === "failed");
      assert.equal(outcome.message.split("\n")[0], said);
      assert.notEqual(outcome.exit, 2, "it is tried again");
    }));
}

test("a full disk is told from other troubles of it, whether the run could say so or not", () => {
  const text = (code: string) =>
    diskFault("/b/run", "to write the state")(Object.assign(new Error(code), { code })).message;
  const full = text("ENOSPC");
  assert.equal(fullDisk({ failure: full, said: [] }), full);
  assert.equal(fullDisk({ failure: null, said: ["Step 3.", full] }), full);
  assert.equal(fullDisk({ failure: text("EIO"), said: ["Step 3."] }), null);
});

test("a run that is past a step has reached it, where its loss was measured there", () =>
  withTemporaryFolder(async (folder) => {
    const plan = planOf(1, { base: folder, pipeline: join(folder, "no pipeline.yaml") });
    const dir = join(folder, plan.trials[0].run);
    mkdirSync(dir);
    await writeSafetensors(join(dir, "state.safetensors"), new Map(), { step: "8" });
    const measured = (step: number, loss: number, bestStep: number, bestLoss: number) => ({
      ...{ event: "fixed-loss", at: 0, step, loss, bestStep, bestLoss },
    });
    const log = [
      ...[measured(2, 0.5, 2, 0.5), measured(4, 0.75, 2, 0.5), measured(6, 0.25, 6, 0.25)],
      { event: "step", at: 0, step: 8 },
    ];
    writeFileSync(
      join(dir, "events.jsonl"),
      log.map((each) => `${JSON.stringify(each)}\n`).join(""),
    );
    const until = (step: number) =>
      Effect.runPromise(
        trainInChild({ threads: null, silentSeconds: 600 })({
          segment: { sweep: "s", round: 0, trial: 1, until: step },
          ...{ plan, trial: plan.trials[0], base: folder },
          fit: { fits: true, config: null, overrides: {} },
          ...{ onStep: () => {}, onMoment: () => {}, isLost: () => false },
        }),
      );
    const reached = await until(4);
    assert.ok(reached.outcome === "paused");
    assert.deepEqual([reached.loss, reached.best], [0.75, { step: 2, loss: 0.5 }]);
    // The pipeline is not there: only a run that has to be trained asks for it.
    const unmeasured = await until(3);
    assert.ok(unmeasured.outcome === "failed");
    assert.equal(unmeasured.exit, 2);
    assert.match(unmeasured.message, /at step 8 already, .* was not measured at step 3/);
  }));
