// What a worker leaves to others, for how long, and what becomes of it: through the real engine on a file, with
// trainings that are functions.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Duration, Effect, Fiber, Option } from "effect";
import { fleetFacts, fleetStatus } from "./fleet-status.ts";
import { Members, type WorkerAbout } from "./members.ts";
import type { SegmentOutcome } from "./segment-outcome.ts";
import { Sweep } from "./sweep-workflow.ts";
import type { Tables } from "./tables.ts";
import { inEngine, settle, until } from "./testing/on-file.ts";
import { planOf, reaching } from "./testing/toy-sweeps.ts";
import type { Fit, Train } from "./train-fenced.ts";
import { runWorker, type WorkerOptions } from "./worker.ts";

const worker = (train: Train, more: Partial<WorkerOptions> = {}) =>
  Effect.forkScoped(runWorker({
    ...{ name: "m", slots: 1, lease: Duration.seconds(1), train, say: () => {} },
    ...more,
  }));

const about = (more: Partial<WorkerAbout> = {}): WorkerAbout => ({
  ...{ machine: "m", pid: 1, slots: 1, tool: "gnomic 1", versions: {}, customStages: false },
  ...more,
});

const fits: Fit = { fits: true, config: null, overrides: {} };
const execute = (sweep = "s") => Sweep.execute({ sweep, round: 0 }, { discard: true });

const failed = (exit: number): SegmentOutcome => ({
  ...{ outcome: "failed", step: 0, exit, message: "it broke", machine: "m" },
});

const outcomes = (tables: Tables["Service"], sweep = "s") =>
  Effect.map(tables.results(sweep), (results) => results.map(({ outcome }) => outcome.outcome));

inEngine(
  "where the pictures are gone a training fails as of the user's fault: it is left, and trained when they are back",
  (tables) =>
    Effect.gen(function* () {
      yield* tables.submit(planOf(1));
      const log: string[] = [];
      let [isMounted, asked] = [true, 0];
      yield* worker((work) => {
        if (log.length > 0) return reaching(log)(work);
        log.push("away");
        isMounted = false;
        return Effect.succeed(failed(2));
      }, {
        accepts: () =>
          Effect.sync((): Fit => {
            asked++;
            if (asked > 2) isMounted = true;
            return isMounted ? fits : { fits: false, why: "no pictures" };
          }),
      });
      yield* execute();
      yield* settle("s");
      assert.deepEqual(log, ["away", "1@end"]);
      assert.deepEqual(yield* outcomes(tables), ["done"]);
    }),
);

inEngine(
  "what failed on one worker is another's to try, if there is one",
  (tables) =>
    Effect.gen(function* () {
      const members = yield* Members;
      yield* tables.submit(planOf(1, { attempts: 2 }));
      yield* members.announce("ill", about());
      yield* members.announce("well", about());
      const said: string[] = [];
      let tried = 0;
      yield* worker(() =>
        Effect.sync(() => {
          tried++;
          return failed(3);
        }), {
        name: "ill",
        lease: Duration.minutes(1),
        say: (line) => void said.push(line),
      });
      yield* execute();
      const isLeft = () =>
        said.some((line) => /not trained here for now: it failed here: it broke/.test(line));
      yield* until(Effect.map(outcomes(tables), ({ length }) => length > 0 || isLeft()));
      const log: string[] = [];
      yield* worker(reaching(log), { name: "well" });
      yield* settle("s");
      assert.deepEqual([tried, log, yield* outcomes(tables)], [1, ["1@end"], ["done"]]);
    }),
);

inEngine(
  "three different ones that fail in a row are the worker's own trouble: it stops, and says so",
  (tables) =>
    Effect.gen(function* () {
      yield* tables.submit(planOf(5, { attempts: 1 }));
      const said: string[] = [];
      const ill = yield* worker(() => Effect.succeed(failed(3)), {
        say: (line) => void said.push(line),
      });
      yield* execute();
      yield* Fiber.join(ill);
      assert.deepEqual(yield* outcomes(tables), Array(3).fill("failed"));
      assert.deepEqual(said, ["3 trainings in a row failed here; this worker takes no more."]);
    }),
);

inEngine(
  "a copy of the configuration that is gone is asked for anew",
  (tables, folder) =>
    Effect.gen(function* () {
      yield* tables.submit(planOf(1, { attempts: 2 }));
      const config = join(folder, "copies", "training.yaml");
      let written = 0;
      const found: boolean[] = [];
      yield* worker((work) =>
        Effect.sync(() => {
          found.push(existsSync(work.fit.config!));
          rmSync(join(folder, "copies"), { recursive: true });
          return failed(3);
        }), {
        accepts: () =>
          Effect.sync(() => {
            written++;
            mkdirSync(join(folder, "copies"));
            writeFileSync(config, "");
            return { ...fits, config };
          }),
      });
      yield* execute();
      yield* settle("s");
      assert.deepEqual([found, written], [[true, true], 2]);
    }),
);

inEngine(
  "cancelled in a queue that no worker serves: what waits there is answered, and shown no longer",
  (tables) =>
    Effect.gen(function* () {
      const members = yield* Members;
      const plan = planOf(3);
      const needs = { provider: "cuda", memory: 24 };
      yield* tables.submit({ ...plan, trials: plan.trials.map((trial) => ({ ...trial, needs })) });
      yield* execute();
      yield* until(Effect.map(members.items, ({ length }) => length === 3));
      const said: string[] = [];
      yield* worker(() => Effect.never, {
        offers: { providers: ["cpu"], memory: 8 },
        say: (line) => void said.push(line),
      });
      const waiting = Effect.map(fleetFacts, (facts) => fleetStatus(facts).waiting.length);
      assert.equal(yield* waiting, 3);
      yield* tables.end("s", "cancelled");
      assert.equal(yield* waiting, 0);
      yield* until(Effect.map(members.items, ({ length }) => length === 0));
      assert.deepEqual(yield* outcomes(tables), Array(3).fill("cancelled"));
      const id = yield* Sweep.executionId({ sweep: "s", round: 0 });
      yield* until(
        Effect.map(Sweep.poll(id), (found) => Option.getOrNull(found)?._tag === "Complete"),
      );
      assert.deepEqual(said, []);
    }),
);

inEngine(
  "a sweep that nobody here can train hides no other in its queue",
  (tables) =>
    Effect.gen(function* () {
      yield* tables.submit(planOf(40, { name: "elsewhere", parallel: 40 }));
      yield* execute("elsewhere");
      const members = yield* Members;
      yield* until(Effect.map(members.items, ({ length }) => length === 40));
      yield* tables.submit(planOf(1));
      yield* execute();
      const log: string[] = [];
      yield* worker(reaching(log), {
        accepts: ({ name }) =>
          Effect.succeed(name === "s" ? fits : { fits: false, why: "not here" }),
      });
      yield* settle("s");
      assert.deepEqual(log, ["1@end"]);
    }),
);

inEngine(
  "two slots do not count on the same room of a disk",
  (tables, folder) =>
    Effect.gen(function* () {
      const { bavail, bsize } = statfsSync(folder);
      const plan = planOf(2, { base: folder });
      const writes = Math.round(bavail * bsize * 0.6);
      yield* tables.submit({ ...plan, trials: plan.trials.map((trial) => ({ ...trial, writes })) });
      const said: string[] = [];
      const log: string[] = [];
      let [now, most] = [0, 0];
      yield* worker((work) =>
        Effect.gen(function* () {
          most = Math.max(most, ++now);
          // Until the other slot has looked.
          yield* until(Effect.sync(() => said.length > 0 || most > 1));
          now--;
          return yield* reaching(log)(work);
        }), { slots: 2, say: (line) => void said.push(line) });
      yield* execute();
      yield* settle("s");
      assert.equal(most, 1);
      assert.deepEqual(log.toSorted(), ["1@end", "2@end"]);
      assert.match(
        said[0],
        /it writes .*, and .* has .* free, .* of it for what trains/,
      );
    }),
);
