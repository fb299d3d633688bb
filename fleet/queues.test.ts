// What a free slot takes: the urgent first, of those the largest, nothing that it cannot train; and that a small
// sweep beside a large one does not wait for it. With one slot, through the real engine on a file.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Duration, Effect } from "effect";
import { withTemporaryFolder } from "../runtime/testing/temporary-folder.ts";
import type { PlannedSweep } from "./planned-sweep.ts";
import { inOrder, memoryClass, needsText, type Offers, queueOf, serves } from "./queues.ts";
import { Sweep } from "./sweep-workflow.ts";
import { Tables } from "./tables.ts";
import { onFile } from "./testing/on-file.ts";
import { planOf, reaching } from "./testing/toy-sweeps.ts";
import type { Train } from "./train-fenced.ts";
import { segmentsIn } from "./waiting.ts";
import { runWorker } from "./worker.ts";

const queue = (
  priority: PlannedSweep["priority"],
  memory: number,
  provider: string | null = null,
) => queueOf({ priority }, { needs: { provider, memory } });

test("a queue is named by what it needs; memory by the class that holds it", () => {
  assert.deepEqual([0, 8, 8.1, 20, 24, 80, 200].map(memoryClass), [8, 8, 12, 24, 24, 80, 80]);
  assert.equal(queue("high", 20, "cuda"), "segments/2/cuda/24/high");
  assert.equal(needsText(queue("low", 10)), "12 GiB a slot");
  assert.equal(needsText(queue("low", 10, "webgpu")), "webgpu and 12 GiB a slot");
});

test("high before normal before low, large before small, what few can train before what all can", () => {
  const wanted = [
    queue("high", 8),
    queue("normal", 80),
    queue("normal", 24, "cuda"),
    queue("normal", 24),
    queue("normal", 8),
    queue("low", 80, "cuda"),
  ];
  assert.deepEqual(inOrder(wanted.toReversed()), wanted);
  assert.deepEqual(inOrder(["segments/1", ...wanted]), wanted, "an older form is left alone");
});

test("a slot serves what it has the provider and the memory for, and small things always", () => {
  const offers: Offers = { providers: ["cuda", "cpu"], memory: 16 };
  const served = (name: string) => serves(name, offers);
  assert.deepEqual(
    [queue("low", 16, "cuda"), queue("low", 24, "cuda"), queue("low", 12, "webgpu")].map(served),
    [true, false, false],
  );
  assert.ok(serves(queue("low", 1), { providers: ["cpu"], memory: 4 }));
  assert.ok(serves(queue("low", 80, "cuda"), null));
});

const submit = (plan: PlannedSweep) =>
  Effect.gen(function* () {
    yield* (yield* Tables).submit(plan);
    yield* Sweep.execute({ sweep: plan.name, round: 0 }, { discard: true });
  });

const untilResults = (sweep: string, count: number) =>
  Effect.gen(function* () {
    const tables = yield* Tables;
    while ((yield* tables.results(sweep)).length < count) yield* Effect.sleep("20 millis");
  });

const untilWaiting = (sweep: string, count: number) =>
  Effect.gen(function* () {
    const waiting = Effect.map((yield* Tables).waiting(Duration.seconds(10)), (items) =>
      items.flatMap(({ element }) =>
        segmentsIn(element)
      ).filter((each) => each.sweep === sweep));
    while ((yield* waiting).length < count) yield* Effect.sleep("20 millis");
  });

const workerOf = (train: Train, offers: Offers | null = null) =>
  runWorker({ name: "m", slots: 1, lease: Duration.seconds(10), train, say: () => {}, offers });

test("with one slot what is urgent and comes last runs next", () =>
  withTemporaryFolder(async (folder) => {
    const order: string[] = [];
    let begun = 0;
    const train: Train = (work) =>
      Effect.gen(function* () {
        begun++;
        order.push(work.segment.sweep);
        // The first waits until all are in their queues.
        while (begun === 1 && order.length === 1 && !all) yield* Effect.sleep("20 millis");
        return yield* reaching([])(work);
      });
    let all = false;
    await onFile(
      folder,
      Effect.gen(function* () {
        yield* submit(planOf(3, { name: "low", priority: "low" }));
        yield* Effect.forkScoped(workerOf(train));
        while (begun === 0) yield* Effect.sleep("20 millis");
        yield* submit(planOf(2, { name: "normal" }));
        yield* untilWaiting("normal", 2);
        yield* submit(planOf(2, { name: "high", priority: "high" }));
        yield* untilWaiting("high", 2);
        all = true;
        yield* untilResults("low", 3);
      }),
    );
    assert.deepEqual(order, ["low", "high", "high", "normal", "normal", "low", "low"]);
  }));

test("a sweep of 4 beside one of 200 ends before a quarter of the other", () =>
  withTemporaryFolder(async (folder) => {
    const order: string[] = [];
    const train: Train = (work) =>
      Effect.andThen(Effect.sync(() => order.push(work.segment.sweep)), reaching([])(work));
    await onFile(
      folder,
      Effect.gen(function* () {
        yield* submit(planOf(200, { name: "large", parallel: 2 }));
        yield* submit(planOf(4, { name: "small", parallel: 2 }));
        yield* Effect.forkScoped(workerOf(train));
        yield* untilResults("small", 4);
      }),
    );
    const before = order.slice(0, order.lastIndexOf("small")).filter((each) => each === "large");
    assert.ok(before.length < 50, `${before.length} of the large one came first`);
  }));

test("what fits no slot waits, and the others are trained", () =>
  withTemporaryFolder(async (folder) => {
    const order: string[] = [];
    const train: Train = (work) =>
      Effect.andThen(Effect.sync(() => order.push(work.segment.sweep)), reaching([])(work));
    const needing = (name: string, provider: string | null, memory: number) => {
      const plan = planOf(1, { name });
      return {
        ...plan,
        trials: plan.trials.map((trial) => ({ ...trial, needs: { provider, memory } })),
      };
    };
    await onFile(
      folder,
      Effect.gen(function* () {
        yield* submit(needing("cuda", "cuda", 8));
        yield* submit(needing("large", null, 48));
        yield* submit(needing("fits", null, 12));
        yield* Effect.forkScoped(workerOf(train, { providers: ["cpu"], memory: 16 }));
        yield* untilResults("fits", 1);
        yield* Effect.sleep("1 second");
      }),
    );
    assert.deepEqual(order, ["fits"]);
  }));

test("only values reach a deferred: what throws, dies or interrupts itself is a failure, once", () =>
  withTemporaryFolder(async (folder) => {
    const ends: readonly Train[] = [
      () => Effect.interrupt,
      () => Effect.die(new Error("a defect")),
      () =>
        Effect.sync(() => {
          throw new Error("thrown");
        }),
    ];
    const tried: number[] = [];
    const train: Train = (work) => {
      tried.push(work.segment.trial);
      return ends[work.segment.trial - 1](work);
    };
    await onFile(
      folder,
      Effect.gen(function* () {
        yield* submit(planOf(3, { attempts: 1 }));
        // Three in a row that fail are a worker's own trouble, so each has another.
        for (let i = 1; i <= 3; i++) {
          const worker = yield* Effect.forkChild(workerOf(train));
          yield* untilResults("s", i);
          yield* Effect.yieldNow;
          worker.interruptUnsafe();
        }
        // A worker may have begun the next before it was interrupted, which another then begins again.
        assert.deepEqual([...new Set(tried)].toSorted(), [1, 2, 3]);
        const begun = tried.length;
        const results = yield* (yield* Tables).results("s");
        assert.deepEqual(results.map(({ outcome }) => outcome.outcome), Array(3).fill("failed"));
        const messages = results.map(({ outcome }) => "message" in outcome ? outcome.message : "");
        assert.match(messages[0], /interrupted from within/);
        assert.match(messages[1], /a defect/);
        assert.match(messages[2], /thrown/);
        const tables = yield* Tables;
        while ((yield* tables.findSweep("s"))!.state === "running") {
          yield* Effect.sleep("50 millis");
        }
        assert.equal(tried.length, begun, "no replay trains again");
      }),
    );
  }));
