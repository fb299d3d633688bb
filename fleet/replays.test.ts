// A sweep's body is replayed at every answer, and by whoever takes it over. What it asks of a training that is
// over does not grow with those that come after, and a process that takes over asks nothing of it at all.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { Duration, Effect } from "effect";
import { CurrentTransformer, type Statement } from "effect/sql/Statement";
import { withTemporaryFolder } from "../runtime/testing/temporary-folder.ts";
import { embeddedLayer } from "./engine.ts";
import type { PlannedSweep } from "./planned-sweep.ts";
import { Sweep } from "./sweep-workflow.ts";
import { Tables } from "./tables.ts";
import { settle } from "./testing/on-file.ts";
import { planOf, reaching } from "./testing/toy-sweeps.ts";
import type { Train } from "./train-fenced.ts";
import { runWorker } from "./worker.ts";

/** A process: its engine, its worker; how often it asked for the first trial's training and the sweep's plan. */
async function inProcess(
  folder: string,
  plan: PlannedSweep,
  train: Train,
  until: Effect.Effect<unknown, unknown, Tables>,
) {
  const asked = { first: 0, plan: 0 };
  const count = (statement: Statement<unknown>) =>
    Effect.sync(() => {
      const texts = statement.compile()[1].filter((each) => typeof each === "string");
      if (texts.some((each) => each.includes("/s/0/1/end"))) asked.first++;
      if (texts.some((each) => each.includes("/activity/plan/"))) asked.plan++;
      return statement;
    });
  const running = Effect.gen(function* () {
    const lease = Duration.seconds(10);
    yield* (yield* Tables).submit(plan);
    yield* Effect.forkScoped(runWorker({ name: "m", slots: 1, lease, train, say: () => {} }));
    yield* Sweep.execute({ sweep: "s", round: 0 }, { discard: true });
    yield* until;
  });
  await Effect.runPromise(
    Effect.scoped(running).pipe(
      Effect.provide(embeddedLayer(join(folder, "fleet.db"))),
      Effect.provideService(CurrentTransformer, count),
    ) as Effect.Effect<void>,
  );
  return asked;
}

/** What two processes ask, of which the second has one training left to do. */
const askedFor = (trials: number) =>
  withTemporaryFolder(async (folder) => {
    const log: string[] = [];
    const endless: Train = (work) =>
      work.segment.trial === trials ? Effect.never : reaching(log)(work);
    const begun = Effect.gen(function* () {
      while ((yield* (yield* Tables).runs("s")).length < trials) yield* Effect.sleep("10 millis");
    });
    const plan = planOf(trials, { parallel: 1 });
    const first = await inProcess(folder, plan, endless, begun);
    const second = await inProcess(folder, plan, reaching(log), settle("s"));
    assert.equal(log.length, trials);
    return { first, second };
  });

test("what is over is not asked for again by each that comes after, nor by who takes over", async () => {
  const [few, many] = [await askedFor(2), await askedFor(12)];
  assert.ok(few.first.first > 0 && few.first.plan > 0 && few.second.plan > 0);
  assert.deepEqual([few.second.first, many.second.first], [0, 0]);
  // Not once for each of the ten more.
  assert.ok(many.first.first < few.first.first + 10, `${few.first.first}, ${many.first.first}`);
  assert.ok(many.first.plan < few.first.plan + 10, `${few.first.plan}, ${many.first.plan}`);
});
