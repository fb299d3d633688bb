// Stages side by side: parallel branches, streams, supervision, resources, stopping.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Deferred, Effect, Schema, Stream } from "effect";
import { fault, stopped } from "../../lib/fault.ts";
import { Files } from "../../lib/files.ts";
import { drafted, stream } from "../artefact.ts";
import { sendRequest } from "../control.ts";
import { pipeline } from "../pipeline/compose.ts";
import { defineStage } from "../stage.ts";
import { fullDisk } from "../testing/full-disk.ts";
import { withTemporaryFolder } from "../testing/temporary-folder.ts";
import { lengths, plain, words } from "../testing/toy-stages.ts";
import { eventsOf, runToy, toyEffect } from "../testing/toy-world.ts";
import { makeStopSignal } from "./stop-signal.ts";

class Hard extends fault("Hard", "world") {}
const hard = new Hard({ wanted: "a card", found: "none", fix: "Buy one." });

const ticks = stream("ticks", Schema.Int);

const writesWords = (run: () => Effect.Effect<{ words: string[] }, any>, name = "write") =>
  defineStage({ ...plain, name, reads: {}, writes: { words }, lifetime: "cached", run });
const readsWords = (name: string, run: () => Effect.Effect<{ lengths: number[] }, any>) =>
  defineStage({ ...plain, name, reads: { words }, writes: { lengths }, lifetime: "cached", run });
const write = writesWords(() => Effect.succeed({ words: ["w"] }));

test("independent stages run side by side", () =>
  withTemporaryFolder(async (folder) => {
    // Each waits for the other to have begun: one after the other, this would never end.
    const begun = [Deferred.makeUnsafe<void>(), Deferred.makeUnsafe<void>()];
    const meet = (own: number, other: number) => () =>
      Deferred.succeed(begun[own], undefined).pipe(
        Effect.andThen(Deferred.await(begun[other])),
        Effect.as({ lengths: [own] }),
      );
    const { ending } = await runToy({
      folder,
      pipeline: pipeline("toy").stage("write", write)
        .stage("left", readsWords("left", meet(0, 1)), { words: "write.words" })
        .stage("right", readsWords("right", meet(1, 0)), { words: "write.words" }),
    });
    assert.equal(ending.ending, "complete");
  }));

test("a stage begins what needs no input while those before it run, and keeps it until it ends", () =>
  withTemporaryFolder(async (folder) => {
    const warm = Deferred.makeUnsafe<void>();
    const said: string[] = [];
    const say = (text: string) => Effect.sync(() => void said.push(text));
    // The writer ends only once the reader is warm: one after the other, this would never end.
    const writer = writesWords(() => Effect.as(Deferred.await(warm), { words: ["w"] }));
    const reader = defineStage({
      ...readsWords("read", () => Effect.as(say("run"), { lengths: [1] })),
      warmUp: () =>
        Effect.acquireRelease(say("open"), () => say("close")).pipe(
          Effect.andThen(Deferred.succeed(warm, undefined)),
          Effect.andThen(Effect.fail(hard)),
        ),
    });
    const composed = pipeline("toy").stage("write", writer)
      .stage("read", reader, { words: "write.words" });
    const first = await runToy({ folder, pipeline: composed });
    assert.equal(first.ending.ending, "complete", "what fails while warming up is not told");
    assert.deepEqual(said, ["open", "run", "close"]);

    await runToy({ folder, pipeline: composed });
    assert.equal(said.length, 3, "what is cached is not warmed up");
  }));

test("a reader of drafts starts with its writer; of a result that is there already it sees none", () =>
  withTemporaryFolder(async (folder) => {
    const seen: (readonly string[])[] = [];
    const gotDraft = Deferred.makeUnsafe<void>();
    const writer = defineStage({
      ...plain,
      name: "write",
      reads: {},
      writes: { words: drafted(words) },
      lifetime: "cached",
      run: ({ writers }) =>
        Effect.gen(function* () {
          yield* writers.words(["w"]);
          yield* Deferred.await(gotDraft); // the reader has it while the writer still runs
          return { words: ["w", "x"] };
        }),
    });
    const reader = (atOnce: boolean) =>
      defineStage({
        ...plain,
        version: atOnce ? 2 : 1,
        name: "read",
        reads: { words: drafted(words) },
        writes: { lengths },
        lifetime: "run",
        run: ({ inputs: { words } }) =>
          Effect.gen(function* () {
            if (!atOnce) seen.push(...(yield* Stream.runCollect(Stream.take(words.drafts, 1))));
            yield* Deferred.succeed(gotDraft, undefined);
            const whole = yield* words.whole;
            seen.push(whole);
            return { lengths: whole.map(({ length }) => length) };
          }),
      });
    const composed = (atOnce: boolean) =>
      pipeline("toy").stage("write", writer)
        .stage("read", reader(atOnce), { words: "write.words" });
    const first = await runToy({ folder, pipeline: composed(false) });
    assert.equal(first.ending.ending, "complete");
    assert.deepEqual(seen, [["w"], ["w", "x"]]);

    const second = await runToy({ folder, pipeline: composed(true) });
    assert.deepEqual(seen.slice(2), [["w", "x"]]);
    const cached = eventsOf(second, "stage-finished").find(({ stage }) => stage === "write");
    assert.equal(cached?.cached, true, "what is kept is the value, whatever was shown");
  }));

test("a writer that fails after a draft ends its readers, and leaves nothing in the store", () =>
  withTemporaryFolder(async (folder) => {
    const writer = (fails: boolean) =>
      defineStage({
        ...plain,
        name: "write",
        reads: {},
        writes: { words: drafted(words) },
        lifetime: "cached",
        run: ({ writers }) =>
          Effect.andThen(
            writers.words(["half"]),
            fails ? Effect.fail(hard) : Effect.succeed({ words: ["w"] }),
          ),
      });
    const reader = defineStage({
      ...plain,
      name: "read",
      reads: { words: drafted(words) },
      writes: { lengths },
      lifetime: "run",
      run: ({ inputs: { words } }) =>
        Effect.map(words.whole, (whole) => ({ lengths: whole.map(({ length }) => length) })),
    });
    const composed = (fails: boolean) =>
      pipeline("toy").stage("write", writer(fails))
        .stage("read", reader, { words: "write.words" });
    const { ending } = await runToy({ folder, pipeline: composed(true) });
    assert.deepEqual([ending.ending, ending.fault], ["failed", hard]);
    const again = await runToy({ folder, pipeline: composed(false) });
    assert.equal(again.ending.ending, "complete");
    const made = eventsOf(again, "stage-finished").find(({ stage }) => stage === "write");
    assert.equal(made?.cached, false);
  }));

const clockWork = (count: number, seen: () => void = () => {}) =>
  defineStage({
    ...plain,
    name: "clock",
    reads: {},
    writes: { ticks },
    lifetime: "run",
    run: ({ writers }) =>
      Effect.forEach(
        Array.from({ length: count }, (_, i) => i),
        (i) => Effect.tap(writers.ticks(i), () => Effect.sync(seen)),
      ).pipe(Effect.as({})),
  });

const listen = (name: string, onTick: (tick: number) => Effect.Effect<void, any>, more = {}) =>
  defineStage({
    ...plain,
    name,
    reads: { ticks },
    writes: {},
    lifetime: "run",
    ...more,
    run: ({ inputs }) => Effect.as(Stream.runForEach(inputs.ticks, onTick), {}),
  });

test("a reader of a stream starts with its writer, and every reader gets every element", () =>
  withTemporaryFolder(async (folder) => {
    const heard: number[] = [];
    const both: number[] = [];
    const gotFirst = Deferred.makeUnsafe<void>();
    const writer = defineStage({
      ...clockWork(0),
      run: ({ writers }) =>
        Effect.gen(function* () {
          yield* writers.ticks(1);
          yield* Deferred.await(gotFirst); // the reader has it while the writer still runs
          yield* writers.ticks(2);
          return {};
        }),
    });
    const { ending } = await runToy({
      folder,
      pipeline: pipeline("toy").stage("clock", writer)
        .stage(
          "ear",
          listen("ear", (tick) =>
            Effect.andThen(
              Effect.sync(() => void heard.push(tick)),
              Deferred.succeed(gotFirst, undefined),
            )),
          { ticks: "clock.ticks" },
        )
        .stage("other", listen("other", (tick) => Effect.sync(() => void both.push(tick))), {
          ticks: "clock.ticks",
        }),
    });
    assert.deepEqual([heard, both, ending.ending], [[1, 2], [1, 2], "complete"]);
  }));

test("a supervised stage that fails is an event; the others finish, and the exit code tells", () =>
  withTemporaryFolder(async (folder) => {
    const heard: number[] = [];
    const stages = (fails: boolean) =>
      pipeline("toy").stage("clock", clockWork(3))
        .stage(
          "validate",
          listen("validate", (tick) => tick === 1 && fails ? Effect.fail(hard) : Effect.void, {
            continueOnError: true,
          }),
          { ticks: "clock.ticks" },
        )
        .stage("keep", listen("keep", (tick) => Effect.sync(() => void heard.push(tick))), {
          ticks: "clock.ticks",
        });
    const { ending, events } = await runToy({ folder, pipeline: stages(true) });
    assert.deepEqual(heard, [0, 1, 2]);
    assert.equal(eventsOf({ events }, "stage-failed")[0].stage, "validate");
    assert.deepEqual([ending.ending, ending.fault?._tag], ["failed", "Hard"]);
    const later = await runToy({ folder, pipeline: stages(false) });
    assert.deepEqual(
      eventsOf(later, "stage-started").map(({ stage }) => stage),
      ["validate"],
      "the next attempt does only what is missing",
    );
    assert.equal(later.ending.ending, "complete");
    assert.deepEqual(heard, [0, 1, 2]);
  }));

test("a stage that fails stops its siblings, and what is below it does not start", () =>
  withTemporaryFolder(async (folder) => {
    let cleaned = false;
    const begun = Deferred.makeUnsafe<void>();
    const endless = defineStage({
      ...plain,
      name: "endless",
      reads: {},
      writes: {},
      lifetime: "run",
      run: () =>
        Effect.andThen(Deferred.succeed(begun, undefined), Effect.never).pipe(
          Effect.onInterrupt(() => Effect.sync(() => void (cleaned = true))),
        ),
    });
    const failing = writesWords(() => Effect.andThen(Deferred.await(begun), Effect.fail(hard)));
    const { ending, events } = await runToy({
      folder,
      pipeline: pipeline("toy").stage("write", failing).stage("endless", endless)
        .stage("below", readsWords("below", () => Effect.succeed({ lengths: [] })), {
          words: "write.words",
        }),
    });
    assert.deepEqual([ending.ending, ending.fault?._tag, cleaned], ["failed", "Hard", true]);
    assert.ok(!eventsOf({ events }, "stage-started").some(({ stage }) => stage === "below"));
    assert.match(eventsOf({ events }, "run-failed")[0].error, /a card, found none/);
  }));

test("an exclusive resource is held by one stage at a time, declared or by turns", () =>
  withTemporaryFolder(async (folder) => {
    let [using, most] = [0, 0];
    const use = Effect.gen(function* () {
      most = Math.max(most, ++using);
      yield* Effect.yieldNow;
      yield* Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 3)));
      using--;
    });
    const declared = (name: string) =>
      defineStage({
        ...plain,
        name,
        reads: {},
        writes: {},
        lifetime: "run",
        resources: { device: 1 },
        run: ({ tools }) => Effect.as(tools.withResource("device", use), {}),
      });
    const turns = (name: string) =>
      defineStage({
        ...plain,
        name,
        reads: {},
        writes: {},
        lifetime: "run",
        run: ({ tools }) =>
          Effect.as(Effect.forEach([1, 2, 3], () => tools.withResource("device", use)), {}),
      });
    const { ending } = await runToy({
      folder,
      pipeline: pipeline("toy").stage("a", declared("a")).stage("b", declared("b"))
        .stage("c", turns("c")).stage("d", turns("d")),
    });
    assert.deepEqual([ending.ending, most], ["complete", 1]);
  }));

test("asked to stop: a graceful stage ends at its step, the others at once; then it goes on", () =>
  withTemporaryFolder(async (folder) => {
    const heard: number[] = [];
    let [step, answers] = [0, false];
    const stop = makeStopSignal();
    const train = defineStage({
      ...plain,
      name: "train",
      reads: {},
      writes: { ticks },
      lifetime: "run",
      handlesStop: true,
      run: ({ writers, tools }) =>
        Effect.gen(function* () {
          while (step < 4) {
            if (tools.stopRequested()) return yield* stopped(step);
            yield* writers.ticks(++step);
            if (step === 2) stop.request();
          }
          return {};
        }),
    });
    const composed = pipeline("toy").stage("train", train).stage(
      "ear",
      listen("ear", (tick) => Effect.sync(() => void heard.push(tick)), { handlesStop: true }),
      { ticks: "train.ticks" },
    ).stage(
      "slow",
      listen("slow", () => answers ? Effect.void : Effect.never),
      { ticks: "train.ticks" },
    );
    const first = await runToy({ folder, pipeline: composed, stop });
    assert.deepEqual([first.ending.ending, step, heard], ["stopped", 2, [1, 2]]);
    assert.equal(eventsOf(first, "run-stopped").length, 1);
    assert.equal(eventsOf(first, "stage-failed").length, 0);
    answers = true;
    const second = await runToy({ folder, pipeline: composed });
    assert.deepEqual([second.ending.ending, step], ["complete", 4]);
    assert.deepEqual(heard, [1, 2, 1, 2, 3, 4], "what was said before the stop is said again");
  }));

test("asked to stop while those who look get ready: it stops", () =>
  withTemporaryFolder(async (folder) => {
    const endless = listen("ear", () => Effect.never);
    const { ending } = await runToy({
      folder,
      pipeline: pipeline("toy").stage("clock", clockWork(1))
        .stage("ear", endless, { ticks: "clock.ticks" }),
      onOpen: (runDir) => sendRequest(runDir, { request: "stop" }),
    });
    assert.equal(ending.ending, "stopped");
  }));

test("a stage that owes its folder nothing, but was stopped before it said so, says it", () =>
  withTemporaryFolder(async (folder) => {
    const heard: number[] = [];
    let [made, interrupted] = [false, true];
    const stop = makeStopSignal();
    const writer = defineStage({
      ...clockWork(0),
      remainingWork: () => Effect.sync(() => made ? null : { why: "the last step" }),
      run: ({ writers }) =>
        Effect.suspend(() => {
          made = true; // as a training whose last state is on disk
          if (!interrupted) return Effect.as(writers.ticks(1), {});
          stop.request();
          return Effect.never;
        }),
    });
    const composed = pipeline("toy").stage("clock", writer).stage(
      "ear",
      listen("ear", (tick) => Effect.sync(() => void heard.push(tick))),
      { ticks: "clock.ticks" },
    );
    assert.equal((await runToy({ folder, pipeline: composed, stop })).ending.ending, "stopped");
    interrupted = false;
    assert.equal((await runToy({ folder, pipeline: composed })).ending.ending, "complete");
    assert.deepEqual(heard, [1]);
  }));

test("a stage that returned once is not taken for finished when it is stopped in what came later", () =>
  withTemporaryFolder(async (folder) => {
    const heard: number[] = [];
    let [length, said, answers] = [1, 0, true];
    const stop = makeStopSignal();
    // As a training that is given more steps.
    const writer = defineStage({
      ...clockWork(0),
      remainingWork: () => Effect.sync(() => said < length ? { why: "more steps" } : null),
      run: ({ writers }) =>
        Effect.gen(function* () {
          while (said < length) yield* writers.ticks(++said);
          return {};
        }),
    });
    const composed = pipeline("toy").stage("clock", writer).stage(
      "ear",
      listen("ear", (tick) =>
        Effect.suspend(() => {
          heard.push(tick);
          if (answers || tick < 2) return Effect.void;
          stop.request();
          return Effect.never;
        })),
      { ticks: "clock.ticks" },
    );
    assert.equal((await runToy({ folder, pipeline: composed })).ending.ending, "complete");
    [length, answers] = [2, false];
    assert.equal((await runToy({ folder, pipeline: composed, stop })).ending.ending, "stopped");
    answers = true;
    heard.length = 0;
    assert.equal((await runToy({ folder, pipeline: composed })).ending.ending, "complete");
    assert.deepEqual(heard, [1, 2]);
  }));

test("an element that was said before a resume is not delivered twice", () =>
  withTemporaryFolder(async (folder) => {
    const heard: number[] = [];
    let attempt = 0;
    const writer = defineStage({
      ...clockWork(0),
      run: ({ writers }) =>
        Effect.gen(function* () {
          attempt++;
          yield* writers.ticks(1);
          yield* writers.ticks(2);
          if (attempt === 1) return yield* hard;
          yield* writers.ticks(3);
          return {};
        }),
    });
    const composed = pipeline("toy").stage("clock", writer).stage(
      "ear",
      listen("ear", (tick) => Effect.sync(() => void heard.push(tick))),
      { ticks: "clock.ticks" },
    );
    const first = await runToy({ folder, pipeline: composed });
    assert.equal(first.ending.ending, "failed");
    heard.length = 0;
    const { ending } = await runToy({ folder, pipeline: composed });
    assert.deepEqual(heard, [1, 2, 3]);
    const log = readFileSync(join(ending.dir, "streams", "clock.ticks.jsonl"), "utf8");
    assert.equal(log, "1\n2\n3\n");
  }));

test("what a stage throws is a defect that names the stage; a full disk is the world's", () =>
  withTemporaryFolder(async (folder) => {
    const broken = writesWords(() => {
      throw new TypeError("undefined is not a gnome");
    });
    const { ending } = await runToy({ folder, pipeline: pipeline("toy").stage("write", broken) });
    assert.equal(ending.fault?.kind, "defect");
    assert.match(ending.fault!.message, /^write: .*undefined is not a gnome/);

    for (
      const [returned, found] of [
        [
          Promise.resolve({}),
          /^stages\.write: wanted run of .* to return an Effect, found a Promise/,
        ],
        [Effect.succeed(undefined), /^stages\.write: .* return \{ words \}, found nothing/],
        [Effect.succeed({ word: [] }), /^stages\.write: .* return \{ words \}, found word\./],
        [Effect.succeed({ words: [7] }), /^stages\.write: .* artefact words .*string.* at \[0\]/],
      ] as const
    ) {
      const odd = writesWords(() => returned as never);
      const { ending } = await runToy({ folder, pipeline: pipeline("toy").stage("write", odd) });
      assert.match(ending.fault!.message, found);
    }

    const isFull = (path: string) => path.includes(".gnomic-store");
    const full = await Effect.runPromise(
      toyEffect({ folder, pipeline: pipeline("toy").stage("write", write) }).pipe(
        Effect.provideService(Files, fullDisk(isFull)),
      ),
    );
    assert.equal(full.ending.fault?._tag, "DiskFault");
    assert.equal(
      (await runToy({ folder, pipeline: pipeline("toy").stage("write", write) })).ending.ending,
      "complete",
    );
  }));
