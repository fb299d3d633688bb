// What becomes of an item that a worker took, through the real engine on a file with trainings that are functions:
// what the machine cannot do now is given back uncounted, and what nobody waits for is answered and not trained.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Duration, Effect, Option } from "effect";
import { diskFault } from "../lib/disk-fault.ts";
import type { Fault } from "../lib/fault.ts";
import { writeSafetensors } from "../lib/safetensors/safetensors.ts";
import { savedStep } from "../runtime/run-folder/state.ts";
import { type Blobs, BlobsAway, folderBlobs } from "./blobs.ts";
import { sendRuns } from "./runs-of-sweep.ts";
import { Sweep } from "./sweep-workflow.ts";
import { inEngine, settle } from "./testing/on-file.ts";
import { planOf, reaching } from "./testing/toy-sweeps.ts";
import { CannotNow, type Train } from "./train-fenced.ts";
import { runWorker, type WorkerOptions } from "./worker.ts";

const worker = (train: Train, more: Partial<WorkerOptions> = {}) =>
  Effect.forkScoped(runWorker({
    ...{ name: "m", slots: 1, lease: Duration.seconds(1), train, say: () => {} },
    ...more,
  }));

/** One to which runs come, into `away`. */
const travelling = (folder: string, blobs: Blobs, train: Train) =>
  worker(train, { base: join(folder, "away"), travel: { blobs, every: Duration.minutes(1) } });

const execute = (round = 0) => Sweep.execute({ sweep: "s", round }, { discard: true });
const first = { sweep: "s", round: 0, trial: 1, until: null };

const saveState = (base: string, step: number) =>
  Effect.promise(async () => {
    const dir = join(base, "run-1");
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, "run.json"), "{}");
    writeFileSync(join(dir, "events.jsonl"), `{"event":"step","step":${step}}\n`);
    await writeSafetensors(join(dir, "state.safetensors"), new Map(), { step: String(step) });
  });

inEngine(
  "what was taken too often is given up before it is brought here, with what is here of it",
  (tables, folder) =>
    Effect.gen(function* () {
      const plan = planOf(1, { attempts: 2, base: join(folder, "home") });
      const blobs = yield* folderBlobs(join(folder, "blobs"));
      yield* saveState(plan.base, 7);
      const begun = yield* sendRuns(plan, blobs);
      yield* saveState(join(folder, "away"), 3);
      yield* tables.submit(plan, begun);
      for (const dead of ["one", "two"]) yield* tables.claim(first, dead);
      let asked = 0;
      const deadly: Blobs = {
        ...blobs,
        get: () =>
          Effect.suspend(() => {
            asked++;
            return Effect.never;
          }),
      };
      yield* travelling(folder, deadly, () => Effect.never);
      yield* execute();
      while ((yield* tables.results("s")).length === 0 && asked === 0) {
        yield* Effect.sleep("20 millis");
      }
      assert.equal(asked, 0);
      const [{ outcome }] = yield* tables.results("s");
      assert.ok(outcome.outcome === "poisoned");
      assert.match(outcome.message, /\nstep 3$/);
    }),
);

inEngine(
  "what cannot be brought here leaves the run's row as it was, and is trained when it can",
  (tables, folder) =>
    Effect.gen(function* () {
      const plan = planOf(1, { attempts: 1, base: join(folder, "home") });
      const away = join(folder, "away");
      const blobs = yield* folderBlobs(join(folder, "blobs"));
      yield* saveState(plan.base, 40);
      const begun = yield* sendRuns(plan, blobs);
      yield* saveState(away, 20);
      yield* tables.submit(plan, begun);
      const full = diskFault(away, "to restore a run")(
        Object.assign(new Error("ENOSPC"), { code: "ENOSPC" }),
      );
      let left = 0;
      const filling: Blobs = {
        ...blobs,
        get: (blob) =>
          Effect.suspend(() => left++ < 2 ? Effect.fail<Fault>(full) : blobs.get(blob)),
      };
      const rows: unknown[] = [];
      const log: string[] = [];
      yield* travelling(folder, filling, (work) =>
        Effect.gen(function* () {
          const [{ step, snapshots }] = yield* Effect.orDie(tables.runs("s"));
          rows.push([
            step,
            snapshots.map((each) => each.step),
            yield* savedStep(join(away, "run-1")),
          ]);
          return yield* reaching(log)(work);
        }));
      yield* execute();
      yield* settle("s");
      assert.equal((yield* tables.results("s"))[0].outcome.outcome, "done");
      assert.deepEqual(rows, [[40, [40], 40]]);
      assert.ok(left > 2);
    }),
);

inEngine(
  "a run that is complete and cannot be sent is not counted, and is sent when it can",
  (tables, folder) =>
    Effect.gen(function* () {
      yield* tables.submit(planOf(1, { attempts: 1, base: join(folder, "home") }));
      const blobs = yield* folderBlobs(join(folder, "blobs"));
      let isAway = true;
      const unmounted: Blobs = {
        ...blobs,
        put: (bytes) =>
          Effect.suspend(() =>
            isAway
              ? Effect.fail<Fault>(
                new BlobsAway({ wanted: "a folder", found: "none", fix: "Mount it." }),
              )
              : blobs.put(bytes)
          ),
      };
      const log: string[] = [];
      yield* travelling(folder, unmounted, (work) =>
        Effect.gen(function* () {
          if (log.length === 2) isAway = false;
          yield* saveState(work.base, 900);
          return yield* reaching(log)(work);
        }));
      yield* execute();
      yield* settle("s");
      assert.equal((yield* tables.results("s"))[0].outcome.outcome, "done");
      assert.equal((yield* tables.runs("s"))[0].snapshots[0].step, 900);
      assert.equal(log.length, 3);
    }),
);

inEngine(
  "a row says where a run is from the claim on, before its first step",
  (tables) =>
    Effect.gen(function* () {
      yield* tables.submit(planOf(1));
      const before = yield* tables.claim(first, "before");
      yield* tables.renew(first, before, 40);
      yield* tables.release(first, before);
      yield* worker(() => Effect.never);
      yield* execute();
      const row = Effect.map(tables.runs("s"), ([found]) => found);
      while ((yield* row).worker !== "m") yield* Effect.sleep("20 millis");
      const { seenAt } = yield* row;
      while ((yield* row).seenAt === seenAt) yield* Effect.sleep("20 millis");
      assert.equal((yield* row).step, 40);
    }),
);

inEngine(
  "one that the training cannot begin, another process being in the run, is not counted",
  (tables) =>
    Effect.gen(function* () {
      yield* tables.submit(planOf(1, { attempts: 2 }));
      const log: string[] = [];
      let left = 3;
      yield* worker((work) =>
        left-- > 0 ? Effect.fail(new CannotNow({ message: "held" })) : reaching(log)(work)
      );
      yield* execute();
      yield* settle("s");
      assert.deepEqual(log, ["1@end"]);
      assert.equal((yield* tables.results("s"))[0].outcome.outcome, "done");
    }),
);

inEngine(
  "of a round that is over nothing begins, what trains ends, and the next round has the run",
  (tables) =>
    Effect.gen(function* () {
      yield* tables.submit(planOf(2, { parallel: 2 }));
      const log: string[] = [];
      const begun: string[] = [];
      yield* worker((work) => {
        begun.push(`${work.segment.round}/${work.segment.trial}`);
        return work.segment.round === 0 ? Effect.never : reaching(log)(work);
      });
      yield* execute(0);
      while (begun.length === 0) yield* Effect.sleep("20 millis");
      yield* tables.nextRound("s", 0);
      yield* execute(1);
      yield* settle("s");
      assert.deepEqual(begun.map((each) => each[0]), ["0", "1", "1"]);
      assert.deepEqual(log.toSorted(), ["1@end", "2@end"]);
      const results = yield* tables.results("s");
      assert.deepEqual(results.map(({ round, outcome }) => [round, outcome.outcome]), [
        [1, "done"],
        [1, "done"],
      ]);
    }),
);

inEngine(
  "an item of a round that is over takes nobody's run away",
  (tables) =>
    Effect.gen(function* () {
      yield* tables.submit(planOf(1));
      yield* execute(0);
      while ((yield* tables.waiting(Duration.seconds(1))).length === 0) {
        yield* Effect.sleep("20 millis");
      }
      yield* tables.nextRound("s", 0);
      const claim = yield* tables.claim({ ...first, round: 1 }, "another");
      const log: string[] = [];
      yield* worker(reaching(log));
      const round0 = yield* Sweep.executionId({ sweep: "s", round: 0 });
      while (Option.getOrNull(yield* Sweep.poll(round0))?._tag !== "Complete") {
        yield* Effect.sleep("20 millis");
      }
      assert.deepEqual(log, []);
      assert.equal((yield* tables.runs("s"))[0].worker, "another");
      assert.equal(yield* tables.renew({ ...first, round: 1 }, claim, 1), true);
    }),
);

inEngine("cancelled, what fits nobody is answered", (tables) =>
  Effect.gen(function* () {
    yield* tables.submit(planOf(2));
    let asked = 0;
    yield* worker(() => Effect.never, {
      accepts: () =>
        Effect.sync(() => {
          asked++;
          return { fits: false, why: "no such device" } as const;
        }),
    });
    yield* execute();
    while (asked === 0) yield* Effect.sleep("20 millis");
    yield* tables.end("s", "cancelled");
    while ((yield* tables.results("s")).length < 2) yield* Effect.sleep("20 millis");
    const results = yield* tables.results("s");
    assert.deepEqual(results.map(({ outcome }) => outcome.outcome), ["cancelled", "cancelled"]);
  }));
