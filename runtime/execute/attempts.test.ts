// Retries and timeouts, with a clock that goes on as fast as the program waits.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Duration, Effect, Fiber } from "effect";
import { TestClock } from "effect/testing";
import { fault } from "../../lib/fault.ts";
import { pipeline } from "../pipeline/compose.ts";
import { defineStage } from "../stage.ts";
import { withTemporaryFolder } from "../testing/temporary-folder.ts";
import { plain, words } from "../testing/toy-stages.ts";
import { eventsOf, toyEffect } from "../testing/toy-world.ts";

class Flaky extends fault("Flaky", "world", true) {}
class Hard extends fault("Hard", "world") {}
const flaky = (found: string) => new Flaky({ wanted: "luck", found, fix: "Try again." });
const hard = new Hard({ wanted: "a card", found: "none", fix: "Buy one." });

const writesWords = (run: () => Effect.Effect<{ words: string[] }, Flaky | Hard>) =>
  defineStage({
    ...plain,
    name: "write",
    reads: {},
    writes: { words },
    lifetime: "cached",
    run,
  });

/** Runs with a clock of its own, which goes on as fast as the program waits. */
const withTestClock = <A, E>(effect: Effect.Effect<A, E>, total: Duration.Input): Promise<A> =>
  Effect.runPromise(
    Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(effect);
      let over = false;
      yield* Effect.forkChild(Effect.ensuring(
        Fiber.await(fiber),
        Effect.sync(() => void (over = true)),
      ));
      // Real work (files) goes on between the adjustments.
      while (!over) {
        yield* TestClock.adjust(Duration.divideUnsafe(Duration.fromInputUnsafe(total), 40));
        yield* Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 5)));
      }
      return yield* Fiber.join(fiber);
    }).pipe(Effect.provide(TestClock.layer())),
  );

const one = (stage: ReturnType<typeof writesWords>, extras: object) =>
  pipeline("toy").stage("write", stage, {}, extras);

test("a stage that fails twice in passing succeeds at the third attempt, waiting longer each time", () =>
  withTemporaryFolder(async (folder) => {
    let calls = 0;
    const stage = writesWords(() =>
      Effect.suspend(() =>
        ++calls <= 2 ? Effect.fail(flaky(`fault ${calls}`)) : Effect.succeed({ words: ["ok"] })
      )
    );
    const run = await withTestClock(
      toyEffect({ folder, pipeline: one(stage, { retry: { times: 3, backoffSeconds: 10 } }) }),
      "60 seconds",
    );
    assert.deepEqual([run.ending.ending, calls], ["complete", 3]);
    const retried = eventsOf(run, "stage-retried");
    assert.deepEqual(retried.map(({ attempt }) => attempt), [1, 2]);
    assert.match(retried[1].error, /fault 2/);
    const [first, second] = retried.map(({ delaySeconds }) => delaySeconds);
    assert.ok(first >= 8 && first <= 12, `${first}`);
    assert.ok(second >= 16 && second <= 24, `${second}`);
  }));

test("what does not pass by itself is not tried again, and the number of attempts is kept to", () =>
  withTemporaryFolder(async (folder) => {
    for (const [error, wanted] of [[hard, 1], [flaky("x"), 3]] as const) {
      let calls = 0;
      const stage = writesWords(() => Effect.suspend(() => (calls++, Effect.fail(error))));
      const run = await withTestClock(
        toyEffect({ folder, pipeline: one(stage, { retry: { times: 2, backoffSeconds: 1 } }) }),
        "20 seconds",
      );
      assert.deepEqual([run.ending.fault?._tag, calls], [error._tag, wanted]);
    }
  }));

test("a stage that takes too long is ended by its timeout", () =>
  withTemporaryFolder(async (folder) => {
    const run = await withTestClock(
      toyEffect({ folder, pipeline: one(writesWords(() => Effect.never), { timeoutSeconds: 30 }) }),
      "60 seconds",
    );
    assert.equal(run.ending.fault?._tag, "StageTimeout");
    assert.match(run.ending.fault!.message, /write to end within 30 s/);
  }));
