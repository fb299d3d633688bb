// A request is there while somebody waits for its answer, and no longer; on a file.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { Effect, Fiber } from "effect";
import { withTemporaryFolder } from "../runtime/testing/temporary-folder.ts";
import { fleetAt } from "./connection.ts";
import { Members, type WorkerAbout } from "./members.ts";
import { withTables } from "./open-tables.ts";
import { askRemoteRun, findRemoteRun, remoteRuns } from "./remote-runs.ts";
import { planOf } from "./testing/toy-sweeps.ts";

const about: WorkerAbout = {
  ...{ machine: "m", pid: 1, slots: 1, tool: "gnomic 1", versions: {}, customStages: false },
};

test("a run of two sweeps is told once, of the one that has it trained, else further", () =>
  withTemporaryFolder((folder) =>
    Effect.runPromise(Effect.gen(function* () {
      const fleet = yield* fleetAt(join(folder, "runs"));
      const first = { sweep: "s", round: 0, trial: 1, until: null };
      const seen = Effect.map(remoteRuns(fleet), (runs) =>
        runs.map(({ name, sweep, state, step }) => [name, sweep, state, step].join(" ")));
      yield* withTables(fleet, (tables) =>
        Effect.gen(function* () {
          yield* tables.submit(planOf(1));
          yield* tables.submit(planOf(1, { name: "t" }));
          yield* tables.renew(first, yield* tables.claim(first, ""), 900);
        }));
      assert.deepEqual(yield* seen, ["run-1 s waiting 900"]);
      yield* withTables(fleet, (tables) =>
        Effect.gen(function* () {
          yield* tables.claim({ ...first, sweep: "t" }, "w");
          yield* (yield* Members).announce("w", about);
        }));
      assert.deepEqual(yield* seen, ["run-1 t training 0"]);
      const { sweep, state } = yield* findRemoteRun("run", fleet);
      assert.deepEqual([sweep, state], ["t", "training"]);
    }))
  ));

test("what a worker refuses is told as its answer", () =>
  withTemporaryFolder((folder) =>
    Effect.runPromise(Effect.gen(function* () {
      const fleet = yield* fleetAt(join(folder, "runs"));
      const answered = withTables(fleet, (tables) =>
        Effect.gen(function* () {
          const members = yield* Members;
          yield* tables.submit(planOf(1));
          yield* tables.claim({ sweep: "s", round: 0, trial: 1, until: null }, "w");
          yield* members.announce("w", about);
          const run = yield* findRemoteRun("run-1", fleet);
          const asking = yield* Effect.forkChild(
            Effect.flip(askRemoteRun(run, { request: "choose", step: 2 }, fleet)),
          );
          for (;;) {
            const [asked] = yield* members.asked("w");
            if (asked !== undefined) {
              yield* members.reply(asked.id, "no checkpoint at this step");
              return yield* Fiber.join(asking);
            }
            yield* Effect.sleep("20 millis");
          }
        }));
      const { message } = yield* answered;
      assert.match(
        message,
        /^wanted run-1 to do what it is asked, found no checkpoint at this step/,
      );
    }))
  ));

test("whoever goes away before the answer takes its request along", () =>
  withTemporaryFolder((folder) =>
    Effect.runPromise(Effect.gen(function* () {
      const fleet = yield* fleetAt(join(folder, "runs"));
      const asked = withTables(
        fleet,
        () => Effect.flatMap(Members, (members) => members.asked("w")),
      );
      yield* withTables(fleet, (tables) =>
        Effect.gen(function* () {
          yield* tables.submit(planOf(1));
          yield* tables.claim({ sweep: "s", round: 0, trial: 1, until: null }, "w");
          yield* (yield* Members).announce("w", about);
        }));
      const run = yield* findRemoteRun("run-1", fleet);
      const asking = yield* Effect.forkChild(askRemoteRun(run, { request: "stop" }, fleet));
      while ((yield* asked).length === 0) yield* Effect.sleep("20 millis");
      yield* Fiber.interrupt(asking);
      assert.deepEqual(yield* asked, []);
    }))
  ));
