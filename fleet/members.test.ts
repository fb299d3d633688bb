// Who is there, what waits and why, what a run is asked for, and what is forgotten, on a file with the real
// engine and trainings that are functions.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { Duration, Effect, Fiber } from "effect";
import { withTemporaryFolder } from "../runtime/testing/temporary-folder.ts";
import { boardOf } from "./leaderboard.ts";
import { fleetFacts, fleetStatus } from "./fleet-status.ts";
import { leftItems } from "./left-items.ts";
import { Members, type WorkerAbout } from "./members.ts";
import { present } from "./presence.ts";
import { Sweep } from "./sweep-workflow.ts";
import { Tables } from "./tables.ts";
import { onFile, until } from "./testing/on-file.ts";
import { planOf, reaching } from "./testing/toy-sweeps.ts";
import type { Train } from "./train-fenced.ts";
import { runWorker } from "./worker.ts";

const about = (more: Partial<WorkerAbout> = {}): WorkerAbout => ({
  machine: "m",
  pid: 1,
  slots: 1,
  tool: "gnomic 1",
  versions: { train: 2 },
  customStages: false,
  ...more,
});

const looked = Effect.map(fleetFacts, fleetStatus);

const worker = (train: Train) =>
  runWorker({ name: "w", slots: 1, lease: Duration.seconds(1), train, say: () => {} });

test("what waits, and why: nobody there, another version, files of one's own, too few threads, all slots busy", () =>
  withTemporaryFolder((folder) =>
    onFile(
      folder,
      Effect.gen(function* () {
        const [tables, members] = [yield* Tables, yield* Members];
        yield* tables.submit(
          planOf(2, { versions: { train: 2 }, custom: ["./mine.ts"], threads: 4 }),
        );
        yield* Sweep.execute({ sweep: "s", round: 0 }, { discard: true });
        yield* until(Effect.map(members.items, ({ length }) => length === 2));
        const whys = Effect.map(looked, ({ waiting }) => waiting.map(({ why }) => why));
        assert.deepEqual(yield* whys, Array(2).fill("no worker is there"));
        yield* members.announce("w", about({ versions: { train: 1 }, customStages: true }));
        assert.deepEqual(yield* whys, Array(2).fill("no worker has train 2"));
        yield* members.announce("w", about());
        assert.match((yield* whys)[0], /no worker has --allow-custom-stages for \.\/mine\.ts/);
        yield* members.announce("w", about({ customStages: true, threads: 2 }));
        assert.deepEqual(yield* whys, Array(2).fill("no worker has 4 threads a slot"));
        yield* members.announce("w", about({ customStages: true, threads: 4 }));
        assert.deepEqual(yield* whys, Array(2).fill("the next free slot"));
        assert.deepEqual((yield* looked).queues.map(({ waiting }) => waiting), [2]);

        yield* Effect.forkScoped(worker(() => Effect.never));
        yield* until(Effect.map(looked, ({ workers }) => workers[0].doing.length === 1));
        const { workers: [line], waiting } = yield* looked;
        assert.deepEqual(line.doing.map(({ run, steps }) => [run, steps]), [["run-1", 900]]);
        assert.deepEqual(waiting.map(({ trial, why }) => [trial, why]), [
          [2, "the only slot that could train it is busy"],
        ]);
      }),
    )
  ));

test("a run is trained as long as its worker says so: of a dead one it waits", () =>
  withTemporaryFolder((folder) =>
    onFile(
      folder,
      Effect.gen(function* () {
        const [tables, members] = [yield* Tables, yield* Members];
        yield* tables.submit(planOf(1));
        yield* tables.claim({ sweep: "s", round: 0, trial: 1, until: null }, "w");
        const now = Effect.gen(function* () {
          const { board } = yield* boardOf(tables, (yield* tables.findSweep("s"))!);
          const { workers } = yield* looked;
          const [{ state, machine }] = board.rows;
          return [state, machine, ...workers.map(({ doing }) => doing.length)];
        });
        assert.deepEqual(yield* now, ["waiting", null]);
        yield* members.announce("w", about({ lease: 600 }));
        assert.deepEqual(yield* now, ["training", "w", 1]);
        yield* members.announce("w", about({ lease: 0.01 }));
        yield* until(Effect.map(tables.runs("s"), ([run]) => !run.isTrained));
        assert.deepEqual(yield* now, ["waiting", null, 0]);
        assert.equal((yield* tables.runs("s"))[0].worker, "w");
      }),
    )
  ));

test("a training that the disk has no room for is left, said once, and shown with what is missing", () =>
  withTemporaryFolder((folder) =>
    onFile(
      folder,
      Effect.gen(function* () {
        const tables = yield* Tables;
        const plan = planOf(2, { base: folder });
        const exbibyte = 2 ** 60;
        const trials = plan.trials.map((trial) => ({
          ...trial,
          writes: trial.number === 1 ? exbibyte : 1024,
        }));
        yield* tables.submit({ ...plan, trials });
        yield* Sweep.execute({ sweep: "s", round: 0 }, { discard: true });
        const said: string[] = [];
        const log: string[] = [];
        const left = leftItems();
        const shown = { name: "w", presence: { about: about(), steer: () => Effect.void }, left };
        yield* Effect.forkScoped(runWorker({
          ...{ name: "w", slots: 1, lease: Duration.seconds(1), train: reaching(log), left },
          say: (line) => void said.push(line),
        }));
        yield* until(Effect.map(tables.results("s"), ({ length }) => length === 1));
        yield* until(Effect.sync(() => said.length > 0));
        yield* Effect.forkScoped(present(shown));
        yield* until(Effect.map(looked, ({ workers }) => workers.length === 1));
        assert.deepEqual(log, ["2@end"]);
        const why = /it writes 1073741824\.0 GiB, and .* has .* free: .* GiB too little/;
        assert.equal(said.length, 1);
        assert.match(said[0], /Trial 1 of s is not trained here for now: /);
        assert.match(said[0], why);
        const { waiting } = yield* looked;
        assert.deepEqual(waiting.map(({ trial }) => trial), [1]);
        assert.match(waiting[0].why, /^w leaves it: /);
        assert.match(waiting[0].why, why);
        assert.equal((yield* tables.runs("s")).length, 1, "it was not claimed");
      }),
    )
  ));

for (
  const [what, base, dir] of [
    ["in the folder that all see", undefined, "/b"],
    ["in its own folder, where runs travel", "/own", "/own"],
  ] as const
) {
  test(`a worker answers what its runs are asked for ${what}, and is off the list when it ends`, () =>
    withTemporaryFolder((folder) =>
      onFile(
        folder,
        Effect.gen(function* () {
          const [tables, members] = [yield* Tables, yield* Members];
          yield* tables.submit(planOf(2));
          yield* Sweep.execute({ sweep: "s", round: 0 }, { discard: true });
          const asked: unknown[] = [];
          const steer = (dir: string, request: unknown) =>
            Effect.sync(() => void asked.push([dir, request]));
          const here = yield* Effect.forkChild(present({
            name: "w",
            ...(base === undefined ? {} : { base }),
            presence: { about: about(), steer },
            left: leftItems(),
          }));
          yield* Effect.forkScoped(worker(() => Effect.never));
          yield* until(
            Effect.map(tables.runs("s"), (runs) => runs.some((run) => run.worker === "w")),
          );
          const other = yield* members.ask("run-2", { request: "stop" });
          const mine = yield* members.ask("run-1", { request: "stop" });
          yield* until(Effect.map(members.answerTo(mine), (answer) => answer === "done"));
          assert.deepEqual(asked, [[join(dir, "run-1"), { request: "stop" }]]);
          assert.equal(yield* members.answerTo(other), null, "nobody trains that one");
          assert.deepEqual((yield* members.all).map(({ name }) => name), ["w"]);
          yield* Fiber.interrupt(here);
          assert.deepEqual(yield* members.all, []);
        }),
      )
    ));
}

test("what is over is forgotten; what runs ends as if nothing had been", () =>
  withTemporaryFolder((folder) =>
    onFile(
      folder,
      Effect.gen(function* () {
        const [tables, members] = [yield* Tables, yield* Members];
        const state = (name: string) => Effect.map(tables.findSweep(name), (sweep) => sweep?.state);
        yield* tables.submit(planOf(3));
        const first = yield* Effect.forkChild(worker(reaching([])));
        yield* Sweep.execute({ sweep: "s", round: 0 }, { discard: true });
        yield* until(Effect.map(state("s"), (is) => is === "done"));
        yield* Fiber.interrupt(first);

        const log: string[] = [];
        const plan = planOf(3, { name: "t", rungs: [100], factor: 3 });
        yield* tables.submit(plan);
        yield* Sweep.execute({ sweep: "t", round: 0 }, { discard: true });
        yield* until(Effect.map(members.items, ({ length }) => length === 3));
        assert.deepEqual(yield* members.forget(), { replies: 0, messages: 0, items: 0 });
        const gone = yield* members.forget(0);
        assert.ok(gone.messages >= 4 && gone.replies >= 4, JSON.stringify(gone));
        assert.equal(gone.items, 3);
        assert.deepEqual(yield* members.forget(0), { replies: 0, messages: 0, items: 0 });

        yield* Effect.forkScoped(worker(reaching(log)));
        yield* until(Effect.map(state("t"), (is) => is === "done"));
        // Losses are 7, 14 and 21.
        assert.deepEqual(log.toSorted(), ["1@100", "1@end", "2@100", "3@100"]);
        assert.equal((yield* tables.results("s")).length, 3, "results are kept");
      }),
    )
  ));
