import assert from "node:assert/strict";
import { appendFileSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Clock, Effect, type FileSystem } from "effect";
import { Files } from "../../lib/files.ts";
import { trainingCodec } from "../../inversion/event-kinds.ts";
import type { UnstampedTrainingEvent } from "../../inversion/events.ts";
import { stepEvent } from "../../inversion/testing/step-event.ts";
import type { UnstampedEvent } from "../events.ts";
import { fullDisk, refusal } from "../testing/full-disk.ts";
import { withTemporaryFolder } from "../testing/temporary-folder.ts";
import { type EventLog, openEventLog, readEvents } from "./event-log.ts";

const note = (text: string): UnstampedTrainingEvent => ({ event: "note", text });
const step = (n: number, loss = 1) => stepEvent(n, { loss });

const inLog = <A, E>(file: string, body: (log: EventLog) => Effect.Effect<A, E>) =>
  Effect.runPromise(Effect.scoped(Effect.flatMap(openEventLog(file, trainingCodec), body)));
const said = async (file: string) =>
  (await Effect.runPromise(readEvents(file, trainingCodec))).events;
const texts = async (file: string) =>
  (await said(file)).map((event) => "text" in event ? event.text : event.event);

test("one JSON line an event, readable while it is written", () =>
  withTemporaryFolder(async (folder) => {
    const file = join(folder, "events.jsonl");
    await inLog(file, (log) =>
      Effect.gen(function* () {
        yield* log.append(note("a"));
        assert.equal((yield* readEvents(file, trainingCodec)).events.length, 1);
        yield* Effect.all([log.append(note("b")), log.append(note("c"))], { concurrency: 2 });
      }));
    const lines = readFileSync(file, "utf8").trimEnd().split("\n").map((line) => JSON.parse(line));
    assert.deepEqual(lines.map(({ text }) => text), ["a", "b", "c"]);
    assert.ok(lines.every(({ at }) => Math.abs(at - Date.now()) < 60_000));
  }));

test("a half-written tail is cut at every byte where a crash may have left it", () =>
  withTemporaryFolder(async (folder) => {
    const file = join(folder, "events.jsonl");
    await inLog(file, (log) => Effect.andThen(log.append(note("first")), log.append(step(1))));
    const whole = readFileSync(file);
    const firstLine = whole.indexOf("\n") + 1;
    for (let size = firstLine + 1; size < whole.length; size++) {
      writeFileSync(file, whole);
      truncateSync(file, size);
      await inLog(file, (log) => log.append(note("after")));
      assert.deepEqual(await texts(file), ["first", "after"]);
    }
  }));

test("broken lines in the middle are skipped and counted", () =>
  withTemporaryFolder(async (folder) => {
    const file = join(folder, "events.jsonl");
    await inLog(file, (log) => log.append(note("a")));
    appendFileSync(file, '{"event":"no\n\0\0\0\n{"event":"unheard-of"}\n{"event":"step","at":1}\n');
    await inLog(file, (log) => log.append(note("b")));
    const read = await Effect.runPromise(readEvents(file, trainingCodec));
    assert.deepEqual(await texts(file), ["a", "b"]);
    assert.equal(read.broken, 4);
  }));

test("an event of somebody's own stage, or of a newer version, is read as it is", () =>
  withTemporaryFolder(async (folder) => {
    const file = join(folder, "events.jsonl");
    appendFileSync(file, '{"event":"unheard-of","at":1,"of":["anything"]}\n');
    const read = await Effect.runPromise(readEvents(file, trainingCodec));
    assert.deepEqual(read, {
      events: [{ event: "unheard-of", at: 1, of: ["anything"] }],
      broken: 0,
    });
  }));

test("what came of a step is said once of each file and each validation, before or after opening anew", () =>
  withTemporaryFolder(async (folder) => {
    const file = join(folder, "events.jsonl");
    const written = (n: number, path: string): UnstampedTrainingEvent => ({
      event: "checkpoint",
      step: n,
      epoch: 0,
      path,
      best: false,
    });
    const finished = (n: number, asked?: string): UnstampedTrainingEvent => ({
      event: "validation-finished",
      step: n,
      epoch: 0,
      seconds: 1,
      ...(asked === undefined ? {} : { asked }),
    });
    const all = [
      written(1, "best"),
      written(1, "1"),
      finished(1),
      finished(1, "in the snow"),
      step(2),
      { event: "checkpoint-pruned", step: 1, path: "1" } as const,
      written(2, "best"),
      { event: "validation-failed", step: 2, epoch: 0, error: "no memory" } as const,
    ];
    // Cut behind any line, as a kill leaves it; then everything is said again.
    for (let size = 0; size <= all.length; size++) {
      writeFileSync(file, "");
      const say = (events: readonly UnstampedTrainingEvent[]) =>
        inLog(file, (log) => Effect.forEach(events, log.append));
      await say(all.slice(0, size));
      await say([...all, ...all]);
      const lines = (await said(file)).map(({ at: _, ...event }) => event);
      assert.deepEqual(lines, all);
    }
  }));

test("a step that was said is not said again, before or after opening anew", () =>
  withTemporaryFolder(async (folder) => {
    const file = join(folder, "events.jsonl");
    await inLog(file, (log) =>
      Effect.gen(function* () {
        assert.ok(yield* log.append(step(1)));
        assert.ok(yield* log.append(step(2)));
        assert.equal(yield* log.append(step(2)), undefined);
      }));
    await inLog(file, (log) => log.append(note("a note in between")));
    await inLog(file, (log) =>
      Effect.gen(function* () {
        assert.equal(yield* log.append(step(2, 7)), undefined); // the state's copy: already there
        assert.ok(yield* log.append(step(3))); // the state's copy: it was missing
      }));
    const steps = (await said(file)).flatMap((event) => event.event === "step" ? event.step : []);
    assert.deepEqual(steps, [1, 2, 3]);
  }));

test("times never run backwards when the clock is set back", () =>
  withTemporaryFolder(async (folder) => {
    const file = join(folder, "events.jsonl");
    let now = 5000;
    const clock = Object.assign(Object.create(Effect.runSync(Clock.Clock)), {
      currentTimeMillis: Effect.sync(() => now),
    }) as Clock.Clock;
    const say = (text: string) =>
      Effect.runPromise(
        Effect.scoped(
          Effect.flatMap(openEventLog(file, trainingCodec), (log) => log.append(note(text))),
        ).pipe(
          Effect.provideService(Clock.Clock, clock),
        ),
      );
    for (const time of [5000, 1000, 6000]) {
      now = time;
      await say("x");
    }
    assert.deepEqual((await said(file)).map(({ at }) => at), [5000, 5000, 6000]);
  }));

test("on a full disk no line is torn, and nothing is lost once there is room", () =>
  withTemporaryFolder(async (folder) => {
    const file = join(folder, "events.jsonl");
    let isFull = false;
    await Effect.runPromise(
      Effect.scoped(Effect.gen(function* () {
        const log = yield* openEventLog(file, trainingCodec);
        yield* log.append(note("a"));
        isFull = true;
        yield* log.append(note("b"));
        assert.equal((yield* log.trouble)?._tag, "DiskFault");
        assert.deepEqual(yield* Effect.promise(() => texts(file)), ["a"]);
        yield* log.append(note("c"));
        isFull = false;
        yield* log.append(note("d"));
        assert.equal(yield* log.trouble, undefined);
      })).pipe(Effect.provideService(Files, fullDisk(() => isFull))),
    );
    assert.deepEqual(await texts(file), ["a", "b", "c", "d"]);
    assert.equal((await Effect.runPromise(readEvents(file, trainingCodec))).broken, 0);
  }));

test("bytes that are no text count as bytes: nothing behind them is swallowed or cut", () =>
  withTemporaryFolder(async (folder) => {
    const file = join(folder, "events.jsonl");
    for (const tail of ["", '{"event":"no', "\u00e9".slice(0, 1)]) {
      writeFileSync(file, "");
      await inLog(file, (log) => Effect.andThen(log.append(note("a")), log.append(note("b"))));
      const bytes = readFileSync(file);
      bytes.fill(0xff, 20, 40); // each byte of it is decoded to three
      writeFileSync(file, Buffer.concat([bytes, Buffer.from(tail)]));
      await inLog(file, (log) => Effect.andThen(log.append(note("c")), log.append(note("d"))));
      assert.deepEqual(await texts(file), ["b", "c", "d"], tail);
      assert.ok(!readFileSync(file).includes(0), "no hole");
    }
  }));

test("a disk that refuses even to cut what it tore keeps the next event apart from it", () =>
  withTemporaryFolder(async (folder) => {
    const file = join(folder, "events.jsonl");
    let full = true;
    const disk = fullDisk(() => full);
    const stuck: FileSystem.FileSystem = {
      ...disk,
      truncate: (path, size) =>
        full ? Effect.fail(refusal(path, "EIO")) : disk.truncate(path, size),
    };
    await Effect.runPromise(
      Effect.scoped(Effect.gen(function* () {
        full = false;
        const log = yield* openEventLog(file, trainingCodec);
        yield* log.append(note("a"));
        full = true;
        yield* log.append(note("b"));
        assert.ok(yield* log.trouble);
        full = false;
        yield* log.append(note("c"));
        assert.equal(yield* log.trouble, undefined);
      })).pipe(Effect.provideService(Files, stuck)),
    );
    assert.deepEqual(await texts(file), ["a", "b", "c"]);
  }));

test("an event that is none, or not as it was registered, is refused and leaves no trace", () =>
  withTemporaryFolder(async (folder) => {
    const file = join(folder, "events.jsonl");
    await inLog(file, (log) =>
      Effect.gen(function* () {
        yield* log.append(note("a"));
        const why = (event: UnstampedEvent) => Effect.flip(log.append(event));
        assert.match(yield* why({ event: "unheard-of", at: 9e15 }), /no event "unheard-of"/);
        assert.match(yield* why({ event: "step", step: 3, at: 9e15 }), /epoch/);
        yield* log.append(step(3));
      }));
    const events = await said(file);
    assert.deepEqual(events.map(({ event }) => event), ["note", "step"]);
    assert.ok(events[1].at < 9e15);
  }));
