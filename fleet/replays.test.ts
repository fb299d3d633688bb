// A sweep's body is replayed at every answer; what it asks of a training that is over does not grow with those
// that come after.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { Duration, Effect, Fiber } from "effect";
import { CurrentTransformer, type Statement } from "effect/sql/Statement";
import { withTemporaryFolder } from "../runtime/testing/temporary-folder.ts";
import { embeddedLayer } from "./engine.ts";
import { Sweep } from "./sweep-workflow.ts";
import { Tables } from "./tables.ts";
import { settle } from "./testing/on-file.ts";
import { planOf, reaching } from "./testing/toy-sweeps.ts";
import { runWorker } from "./worker.ts";

/** How often the first trial's offer and the sweep's plan were asked for. */
const askedFor = (trials: number) =>
  withTemporaryFolder(async (folder) => {
    const asked = { offer: 0, plan: 0 };
    const count = (statement: Statement<unknown>) =>
      Effect.sync(() => {
        const [, parameters] = statement.compile();
        const texts = parameters.filter((each) => typeof each === "string");
        if (texts.some((each) => each.includes("/offer/s/0/1/end/"))) asked.offer++;
        if (texts.some((each) => each.includes("/activity/plan/"))) asked.plan++;
        return statement;
      });
    const log: string[] = [];
    const running = Effect.gen(function* () {
      const train = reaching(log);
      const lease = Duration.seconds(10);
      yield* (yield* Tables).submit(planOf(trials, { parallel: 1 }));
      const worker = yield* Effect.forkChild(
        runWorker({ name: "m", slots: 1, lease, train, say: () => {} }),
      );
      yield* Sweep.execute({ sweep: "s", round: 0 }, { discard: true });
      yield* settle("s");
      yield* Fiber.interrupt(worker);
    });
    await Effect.runPromise(
      Effect.scoped(running).pipe(
        Effect.provide(embeddedLayer(join(folder, "fleet.db"))),
        Effect.provideService(CurrentTransformer, count),
      ) as Effect.Effect<void>,
    );
    assert.equal(log.length, trials);
    return asked;
  });

test("of a sweep of twelve the first offer and the plan are asked for as often as of two", async () => {
  const few = await askedFor(2);
  assert.ok(few.offer > 0 && few.plan > 0);
  assert.deepEqual(await askedFor(12), few);
});
