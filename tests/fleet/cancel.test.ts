// A sweep is cancelled while its trainings are queued, while one is restored and while it decides: nothing else
// begins, and a resume trains what is left, once. Through the real engine on a file; the trainings are toys.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { Deferred, Duration, Effect } from "effect";
import { CurrentTransformer, type Statement } from "effect/sql/Statement";
import { folderBlobs } from "../../fleet/blobs.ts";
import { embeddedLayer } from "../../fleet/engine.ts";
import { Members } from "../../fleet/members.ts";
import { sendRuns } from "../../fleet/runs-of-sweep.ts";
import { Sweep } from "../../fleet/sweep-workflow.ts";
import { Tables } from "../../fleet/tables.ts";
import { until } from "../../fleet/testing/on-file.ts";
import { planOf, reaching } from "../../fleet/testing/toy-sweeps.ts";
import type { Train } from "../../fleet/train-fenced.ts";
import type { Travel } from "../../fleet/travelling-run.ts";
import { runWorker } from "../../fleet/worker.ts";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { toySteps, toySweep, toyTraining } from "./toy-training.ts";

type Watch = (statement: Statement<unknown>) => Effect.Effect<Statement<unknown>>;

/** `watch` is told each statement before it is run. */
const onFile = <A>(
  folder: string,
  work: Effect.Effect<A, any, any>,
  watch: Watch = Effect.succeed,
): Promise<A> =>
  Effect.runPromise(
    Effect.scoped(work).pipe(
      Effect.provide(embeddedLayer(join(folder, "fleet.db"))),
      Effect.provideService(CurrentTransformer, watch),
    ) as Effect.Effect<A>,
  );

const worker = (train: Train, more: { readonly base?: string; readonly travel?: Travel } = {}) =>
  Effect.forkScoped(runWorker({
    ...{ name: "w", slots: 1, lease: Duration.seconds(1), train, say: () => {} },
    ...more,
  }));

const execute = (round: number) => Sweep.execute({ sweep: "s", round }, { discard: true });

/** What its trainings came to, when so many have. */
const outcomes = (count: number) =>
  Effect.gen(function* () {
    const tables = yield* Tables;
    yield* until(Effect.map(tables.results("s"), ({ length }) => length === count));
    return (yield* tables.results("s")).map(({ outcome }) => outcome.outcome);
  });

/** Another round, and what it trained. */
const resumed = Effect.gen(function* () {
  const tables = yield* Tables;
  const log: string[] = [];
  yield* tables.nextRound("s", 0);
  yield* worker(reaching(log));
  yield* execute(1);
  yield* until(Effect.map(tables.findSweep("s"), (sweep) => sweep?.state === "done"));
  return log.toSorted();
});

test("cancelled while queued, twice: nothing begins; resumed, each is trained once", () =>
  withTemporaryFolder(async (folder) => {
    const log: string[] = [];
    await onFile(
      folder,
      Effect.gen(function* () {
        const [tables, members] = [yield* Tables, yield* Members];
        yield* tables.submit(planOf(3));
        yield* execute(0);
        yield* until(Effect.map(members.items, ({ length }) => length === 3));
        yield* tables.end("s", "cancelled");
        yield* tables.end("s", "cancelled");
        yield* worker(reaching(log));
        assert.deepEqual(yield* outcomes(3), Array(3).fill("cancelled"));
        assert.equal((yield* tables.findSweep("s"))!.state, "cancelled");
      }),
    );
    assert.deepEqual(log, []);
    assert.deepEqual(await onFile(folder, resumed), ["1@end", "2@end", "3@end"]);
  }));

test("cancelled while its run is restored: it ends before its last step, and is nobody's", () =>
  withTemporaryFolder((folder) =>
    onFile(
      folder,
      Effect.gen(function* () {
        const tables = yield* Tables;
        const plan = toySweep("s", 1, join(folder, "home"));
        const blobs = yield* folderBlobs(join(folder, "blobs"));
        yield* toyTraining({ machine: "home", stepMs: 0 })({
          ...{ plan, trial: plan.trials[0], base: plan.base },
          segment: { sweep: "s", round: 0, trial: 1, until: 4 },
          fit: { fits: true, config: null, overrides: {} },
          ...{ onStep: () => {}, onMoment: () => {}, isLost: () => false },
        });
        yield* tables.submit(plan, yield* sendRuns(plan, blobs));
        const [restoring, goOn] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()];
        const slow: Travel["blobs"] = {
          ...blobs,
          get: (blob) =>
            Effect.andThen(Deferred.succeed(restoring, undefined), Deferred.await(goOn)).pipe(
              Effect.andThen(blobs.get(blob)),
            ),
        };
        yield* worker(toyTraining({ machine: "w", stepMs: 500 }), {
          base: join(folder, "away"),
          travel: { blobs: slow, every: Duration.seconds(60) },
        });
        yield* execute(0);
        yield* Deferred.await(restoring);
        yield* tables.end("s", "cancelled");
        yield* Deferred.succeed(goOn, undefined);
        assert.deepEqual(yield* outcomes(1), ["cancelled"]);
        const [run] = yield* tables.runs("s");
        assert.equal(run.worker, "");
        assert.ok(run.step < toySteps, `${run.step} steps`);
      }),
    )
  ));

test("cancelled while it decides: nothing goes on from the rung; resumed, it decides as it would have", () =>
  withTemporaryFolder(async (folder) => {
    const log: string[] = [];
    const [deciding, goOn] = [Deferred.makeUnsafe<void>(), Deferred.makeUnsafe<void>()];
    let isRung = false;
    const hold: Watch = (statement) =>
      Effect.gen(function* () {
        const [text, parameters] = statement.compile();
        isRung ||= parameters.some((each) => typeof each === "string" && each.includes("rung/"));
        if (isRung && /SELECT \* FROM gnomic_results WHERE sweep/.test(text)) {
          yield* Deferred.succeed(deciding, undefined);
          yield* Deferred.await(goOn);
        }
        return statement;
      });
    await onFile(
      folder,
      Effect.gen(function* () {
        const tables = yield* Tables;
        yield* tables.submit(planOf(6, { rungs: [100], factor: 3 }));
        yield* worker(reaching(log));
        yield* execute(0);
        yield* Deferred.await(deciding);
        yield* tables.end("s", "cancelled");
        yield* Deferred.succeed(goOn, undefined);
        yield* Effect.sleep("2 seconds");
        assert.equal((yield* tables.findSweep("s"))!.state, "cancelled");
      }),
      hold,
    );
    assert.deepEqual(log.toSorted(), [1, 2, 3, 4, 5, 6].map((trial) => `${trial}@100`));
    // Losses are 7, 14, 21, 1, 8 and 15: the two best are 4 and 1.
    assert.deepEqual(await onFile(folder, resumed), ["1@end", "4@end"]);
  }));
