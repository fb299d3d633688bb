import assert from "node:assert/strict";
import { test } from "node:test";
import { Effect } from "effect";
import { listener, tryWithProgress } from "./try-promise.ts";

test("progress may take its time: work goes on, and the last report arrives before the result", async () => {
  const told: number[] = [];
  const slow = (done: number) =>
    Effect.andThen(Effect.sleep(5), Effect.sync(() => void told.push(done)));
  const made = await Effect.runPromise(tryWithProgress(slow, async (report) => {
    for (let i = 1; i <= 1000; i++) {
      report(i, 1000);
      if (i % 250 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    return "made";
  }));
  assert.equal(made, "made");
  assert.equal(told.at(-1), 1000);
  assert.deepEqual(told, told.toSorted((a, b) => a - b));
});

test("what the work throws is a fault, and reports end with it", async () => {
  const fault = await Effect.runPromise(Effect.flip(tryWithProgress(
    () => Effect.yieldNow,
    (report) => {
      report(1, 2);
      return Promise.reject(new Error("no such luck"));
    },
  )));
  assert.match(fault.found, /no such luck/);
});

test("what is said until the scope closes arrives whole and in order, before a failure too", async () => {
  for (const end of [Effect.void, Effect.fail("no such luck")]) {
    const told: string[] = [];
    const slow = (text: string) =>
      Effect.andThen(Effect.sleep(1), Effect.sync(() => void told.push(text)));
    const texts = Array.from({ length: 50 }, (_, i) => `note ${i}`);
    const work = Effect.gen(function* () {
      const say = yield* listener(slow);
      say(texts[0]);
      yield* Effect.sleep(5);
      texts.slice(1).forEach(say);
      yield* end;
    });
    await Effect.runPromise(Effect.exit(Effect.scoped(work)));
    assert.deepEqual(told, texts);
  }
});
