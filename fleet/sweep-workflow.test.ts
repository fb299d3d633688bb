// Sweeps through the real engine on a file, with trainings that are functions: who goes on, against a plain
// loop; that failures and a cancel are values; and that a worker that goes away answers nothing.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Duration, Effect, Fiber } from "effect";
import { ConnectionError, SqlError } from "effect/sql/SqlError";
import { withTemporaryFolder } from "../runtime/testing/temporary-folder.ts";
import { exitCodeOfSweep, leaderboard } from "./leaderboard.ts";
import type { PlannedSweep } from "./planned-sweep.ts";
import type { SegmentOutcome } from "./segment-outcome.ts";
import { Sweep } from "./sweep-workflow.ts";
import { type StoredResult, type StoredSweep, Tables } from "./tables.ts";
import { onFile, settle } from "./testing/on-file.ts";
import { lossOf, planOf, reaching } from "./testing/toy-sweeps.ts";
import type { Train } from "./train-fenced.ts";
import { runWorker } from "./worker.ts";

const failed = (step: number, exit: number): SegmentOutcome => ({
  outcome: "failed",
  step,
  exit,
  message: "broke",
  machine: "m",
});

const workerOf = (train: Train, slots = 1) =>
  runWorker({ name: "m", slots, lease: Duration.seconds(1), train, say: () => {} });

const looked = (name: string) =>
  Effect.gen(function* () {
    const tables = yield* Tables;
    const sweep = (yield* tables.findSweep(name))!;
    const results = yield* tables.results(name);
    return { results, board: leaderboard(sweep, results, yield* tables.runs(name)) };
  });

/** Submits a sweep and has it run to its end. */
const run = (plan: PlannedSweep, train: Train, slots = 1) =>
  Effect.gen(function* () {
    const tables = yield* Tables;
    yield* tables.submit(plan);
    const worker = yield* Effect.forkChild(workerOf(train, slots));
    yield* Sweep.execute({ sweep: plan.name, round: 0 }, { discard: true });
    yield* settle(plan.name);
    yield* Fiber.interrupt(worker);
    return yield* looked(plan.name);
  });

/** What a loop that sorts and cuts would train. */
function byHand(count: number, rungs: readonly number[], factor: number): string[] {
  let going = Array.from({ length: count }, (_, i) => i + 1);
  const log: string[] = [];
  for (const rung of rungs) {
    log.push(...going.map((trial) => `${trial}@${rung}`));
    const best = going.toSorted((a, b) => lossOf(a) - lossOf(b));
    going = best.slice(0, Math.floor(going.length / factor));
  }
  return [...log, ...going.map((trial) => `${trial}@end`)];
}

for (const [slots, parallel] of [[1, 16], [5, 3]]) {
  test(`27 trials halved by 3 with ${slots} slots: 39 trainings, each once, as a loop has it`, () =>
    withTemporaryFolder(async (folder) => {
      const log: string[] = [];
      const plan = planOf(27, { rungs: [100, 300], factor: 3, parallel });
      const { board } = await onFile(folder, run(plan, reaching(log), slots));
      assert.deepEqual(log.toSorted(), byHand(27, [100, 300], 3).toSorted());
      assert.deepEqual(board.rows.slice(0, 3).map(({ trial }) => trial), [27, 4, 8]);
      assert.deepEqual(board.rows.map(({ state }) => state).filter((each) => each === "done"), [
        ...["done", "done", "done"],
      ]);
    }));
}

test("a process that ends in the middle: another goes on, and nothing is trained twice", () =>
  withTemporaryFolder(async (folder) => {
    const log: string[] = [];
    const plan = planOf(9, { rungs: [100], factor: 3 });
    const slow: Train = (work) => Effect.delay(reaching(log)(work), "100 millis");
    await onFile(
      folder,
      Effect.gen(function* () {
        yield* (yield* Tables).submit(plan);
        yield* Effect.forkScoped(workerOf(slow));
        yield* Sweep.execute({ sweep: "s", round: 0 }, { discard: true });
        while (log.length < 5) yield* Effect.sleep("10 millis");
      }),
    );
    assert.ok(log.length < 12, "it was over before it was ended");
    await onFile(folder, run(plan, slow));
    // One may have been in the middle; its step is another process's to end.
    assert.deepEqual([...new Set(log)].toSorted(), byHand(9, [100], 3).toSorted());
    assert.ok(log.length <= 13, log.join(" "));
  }));

test("a failure is tried again, a user's is not, and the others go on", () =>
  withTemporaryFolder(async (folder) => {
    const log: string[] = [];
    const train: Train = (work) => {
      const { trial } = work.segment;
      if (trial > 2) return reaching(log)(work);
      log.push(`${trial}@failed`);
      return Effect.succeed(failed(0, trial === 1 ? 3 : 2));
    };
    const { board, results } = await onFile(folder, run(planOf(4), train));
    assert.deepEqual(log.toSorted(), ["1@failed", "1@failed", "2@failed", "3@end", "4@end"]);
    assert.deepEqual(
      board.rows.map(({ trial, state }) => `${trial} ${state}`),
      [
        ...["4 done", "3 done", "1 failed", "2 failed"].toSorted((a, b) =>
          lossOf(Number(a[0])) - lossOf(Number(b[0])) || 0
        ),
      ].toSorted((a, b) => Number(b.endsWith("done")) - Number(a.endsWith("done"))),
    );
    assert.equal(exitCodeOfSweep(results), 3);
  }));

test("a training that was stopped by itself is not done, and its sweep does not end as if it were", () =>
  withTemporaryFolder(async (folder) => {
    const train: Train = (work) =>
      work.segment.trial > 1
        ? reaching([])(work)
        : Effect.succeed({ outcome: "cancelled", step: 3 });
    const { board, results } = await onFile(folder, run(planOf(2), train));
    assert.deepEqual(board.rows.map(({ trial, state }) => `${trial} ${state}`), [
      ...["2 done", "1 cancelled"],
    ]);
    assert.equal(exitCodeOfSweep(results), 130);
    assert.equal(exitCodeOfSweep(results.filter(({ trial }) => trial === 2)), 0);
  }));

test("in another round what failed before waits, until it has failed again or is cancelled", () => {
  const stored = (state: "running" | "cancelled", round: number): StoredSweep => ({
    ...{ name: "s", plan: planOf(3), state, round, more: 0, startedAt: 0 },
  });
  const reached = { step: 900, loss: 1, best: null, seconds: 1, machine: "m", files: [] };
  const results = [
    { trial: 1, until: null, round: 0, outcome: { outcome: "done", ...reached } },
    { trial: 2, until: null, round: 0, outcome: failed(7, 3) },
    { trial: 3, until: null, round: 1, outcome: failed(7, 3) },
  ] satisfies StoredResult[];
  const shown = (sweep: StoredSweep) =>
    leaderboard(sweep, results, []).rows.map((
      { trial, state, message },
    ) => [trial, state, message]);
  assert.deepEqual(shown(stored("running", 1)), [
    [1, "done", null],
    [2, "waiting", null],
    [3, "failed", "broke"],
  ]);
  assert.deepEqual(shown(stored("cancelled", 1))[1], [2, "failed", "broke"]);
});

test("who paused at a rung is shown and ranked by the loss there, whatever was lower before", () => {
  const sweep: StoredSweep = {
    ...{ name: "s", plan: planOf(3), state: "running", round: 0, more: 0, startedAt: 0 },
  };
  const paused = (loss: number, best: number) => ({
    ...{ outcome: "paused" as const, step: 100, loss, seconds: 1, machine: "m" },
    best: { step: 50, loss: best },
  });
  const results: StoredResult[] = [paused(0.3, 0.1), paused(0.2, 0.2)].map((outcome, i) => ({
    ...{ trial: i + 1, until: 100, round: 0, outcome },
  }));
  const done = { ...paused(0.5, 0.4), outcome: "done" as const, files: [] };
  results.push({ trial: 3, until: null, round: 0, outcome: done });
  assert.deepEqual(
    leaderboard(sweep, results, []).rows.map((
      { trial, loss, lossStep },
    ) => [trial, loss, lossStep]),
    [[3, 0.4, 50], [2, 0.2, 100], [1, 0.3, 100]],
  );
});

test("a database that is away for a moment in each decision does not end the sweep", () =>
  withTemporaryFolder(async (folder) => {
    const log: string[] = [];
    const budget = { steps: null, hours: 1000 };
    const plan = planOf(2, { rungs: [100], factor: 2, parallel: 1, budget });
    const away = new SqlError({
      reason: new ConnectionError({ cause: null, operation: "execute" }),
    });
    const failed = new Set<string>();
    await onFile(
      folder,
      Effect.gen(function* () {
        const tables = yield* Tables;
        const there = { ...tables };
        yield* tables.submit(plan);
        // Each fails the first time that it is asked after each result.
        const once = <A extends unknown[], B, E>(
          name: string,
          ask: (...given: A) => Effect.Effect<B, E>,
        ) =>
        (...given: A) =>
          Effect.suspend((): Effect.Effect<B, E | SqlError> => {
            const key = `${name} ${log.length}`;
            if (failed.has(key)) return ask(...given);
            failed.add(key);
            return Effect.fail(away);
          });
        Object.assign(tables, {
          findSweep: once("findSweep", there.findSweep),
          findResult: once("findResult", there.findResult),
          hoursOf: once("hoursOf", there.hoursOf),
          results: once("results", there.results),
          end: once("end", there.end),
        });
        yield* Effect.forkScoped(workerOf(reaching(log)));
        yield* Sweep.execute({ sweep: "s", round: 0 });
        assert.equal((yield* there.findSweep("s"))!.state, "done");
      }),
    );
    assert.deepEqual(log.toSorted(), byHand(2, [100], 2).toSorted());
    for (const name of ["findSweep 0", "findResult 0", "hoursOf 0", "results 2", "end 3"]) {
      assert.ok(failed.has(name), `${name} never failed`);
    }
  }));

test("after so many failures no other begins", () =>
  withTemporaryFolder(async (folder) => {
    const plan = planOf(6, { stopAfterFailures: 2, parallel: 1, attempts: 1 });
    const { board } = await onFile(folder, run(plan, () => Effect.succeed(failed(0, 2))));
    const states = board.rows.map(({ state }) => state).toSorted();
    assert.deepEqual(states, ["failed", "failed", ...Array(4).fill("skipped")]);
    assert.match(board.rows.at(-1)!.message!, /2 trainings failed/);
  }));

for (const [slots, parallel] of [[1, 1], [4, 16]]) {
  test(`the budget's steps are never passed, with ${slots} slots`, () =>
    withTemporaryFolder(async (folder) => {
      const log: string[] = [];
      const plan = planOf(6, { budget: { steps: 2000, hours: null }, parallel });
      const { board } = await onFile(folder, run(plan, reaching(log), slots));
      assert.deepEqual(log.toSorted(), ["1@end", "2@end"]);
      assert.equal(board.rows.filter(({ state }) => state === "skipped").length, 4);

      const halved: string[] = [];
      const steps = 6 * 100 + 800;
      const halving = { rungs: [100], factor: 3, budget: { steps, hours: null } };
      await onFile(
        folder,
        run(planOf(6, { ...halving, name: "t", parallel }), reaching(halved), slots),
      );
      // The two best are 4 and 1, and the steps last for one of them.
      const all = [1, 2, 3, 4, 5, 6].map((trial) => `${trial}@100`);
      assert.deepEqual(halved.toSorted(), [...all, "1@end"].toSorted());
    }));
}

test("cancelled: what trains ends, nothing else begins; resumed, only what is left is trained", () =>
  withTemporaryFolder(async (folder) => {
    const log: string[] = [];
    const train: Train = (work) => log.length < 2 ? reaching(log)(work) : Effect.never;
    await onFile(
      folder,
      Effect.gen(function* () {
        const tables = yield* Tables;
        yield* tables.submit(planOf(5));
        yield* Effect.forkScoped(workerOf(train));
        yield* Sweep.execute({ sweep: "s", round: 0 }, { discard: true });
        while ((yield* tables.results("s")).length < 2) yield* Effect.sleep("20 millis");
        yield* tables.end("s", "cancelled");
        while ((yield* tables.results("s")).length < 5) yield* Effect.sleep("20 millis");
        const { board } = yield* looked("s");
        assert.deepEqual(board.rows.map(({ state }) => state).toSorted(), [
          ...["cancelled", "cancelled", "cancelled", "done", "done"],
        ]);
      }),
    );
    const again: string[] = [];
    await onFile(
      folder,
      Effect.gen(function* () {
        yield* (yield* Tables).nextRound("s", 0);
        yield* Effect.forkScoped(workerOf(reaching(again)));
        yield* Sweep.execute({ sweep: "s", round: 1 }, { discard: true });
        yield* settle("s");
        assert.ok((yield* looked("s")).board.rows.every(({ state }) => state === "done"));
      }),
    );
    assert.deepEqual(again.toSorted(), ["3@end", "4@end", "5@end"]);
  }));

test("who lost a halving is called back, best first", () =>
  withTemporaryFolder(async (folder) => {
    const log: string[] = [];
    const plan = planOf(9, { rungs: [100], factor: 9 });
    await onFile(folder, run(plan, reaching(log)));
    const again: string[] = [];
    await onFile(
      folder,
      Effect.gen(function* () {
        yield* (yield* Tables).nextRound("s", 2);
        yield* Effect.forkScoped(workerOf(reaching(again)));
        yield* Sweep.execute({ sweep: "s", round: 1 }, { discard: true });
        yield* settle("s");
      }),
    );
    // Losses are 7, 14, 21, 1, 8, 15, 22, 2, 9: 4 won, 8 and 1 come next.
    assert.deepEqual(again.toSorted(), ["1@end", "8@end"]);
  }));

test("a worker that goes away, or whose run became another's, says nothing to the workflow", () =>
  withTemporaryFolder(async (folder) => {
    await onFile(
      folder,
      Effect.gen(function* () {
        const tables = yield* Tables;
        yield* tables.submit(planOf(1));
        const gone = yield* Effect.forkChild(workerOf(() => Effect.never));
        yield* Sweep.execute({ sweep: "s", round: 0 }, { discard: true });
        const segment = { sweep: "s", round: 0, trial: 1, until: null };
        const owned = (by: string) =>
          Effect.gen(function* () {
            while ((yield* tables.runs("s"))[0]?.worker !== by) yield* Effect.sleep("20 millis");
          });
        yield* owned("m");
        yield* Fiber.interrupt(gone);
        yield* owned("");
        assert.deepEqual(yield* tables.results("s"), []);

        let ended = false;
        const stale = yield* Effect.forkChild(
          workerOf(() => Effect.onInterrupt(Effect.never, () => Effect.sync(() => ended = true))),
        );
        yield* owned("m");
        const mine = yield* tables.claim(segment, "another");
        while (!ended) yield* Effect.sleep("20 millis");
        yield* Fiber.interrupt(stale);
        assert.deepEqual(yield* tables.results("s"), []);
        assert.equal((yield* tables.runs("s"))[0].worker, "another");
        assert.equal(
          yield* tables.publish(segment, { ...mine, fence: mine.fence - 1 }, 9, failed(9, 3)),
          false,
        );
        assert.deepEqual(yield* tables.results("s"), []);
      }),
    );
  }));

test("a run that takes its worker down again and again is poisoned", () =>
  withTemporaryFolder(async (folder) => {
    await onFile(
      folder,
      Effect.gen(function* () {
        const tables = yield* Tables;
        const plan = planOf(1, { attempts: 2, base: folder });
        yield* tables.submit(plan);
        const segment = { sweep: "s", round: 0, trial: 1, until: null };
        yield* tables.claim(segment, "dead");
        yield* tables.claim(segment, "dead");
        const run = join(folder, plan.trials[0].run);
        mkdirSync(run);
        const said = [
          ...Array.from({ length: 9 }, (_, i) => ({ event: "step", step: i + 1, loss: 0.1 })),
          { event: "warning", text: "little memory is left" },
        ];
        const torn = '{"event":"st';
        writeFileSync(
          join(run, "events.jsonl"),
          said.map((e) => `${JSON.stringify(e)}\n`).join("") + torn,
        );
        yield* Effect.forkScoped(workerOf(() => Effect.never));
        yield* Sweep.execute({ sweep: "s", round: 0 }, { discard: true });
        yield* settle("s");
        const [{ outcome }] = yield* tables.results("s");
        assert.deepEqual(outcome, {
          outcome: "poisoned",
          step: 0,
          machine: "m",
          message: [
            "it took its worker down 2 times without a step between",
            ...["step 6", "step 7", "step 8", "step 9", "warning little memory is left"],
          ].join("\n"),
        });
      }),
    );
  }));
