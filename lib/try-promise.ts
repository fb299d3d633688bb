// A promise as an Effect, for the edge between plain TypeScript and Effect: what it throws becomes a fault.
// The trap: the signal is aborted when the Effect is interrupted; work that takes long has to heed it.
import { type Cause, Effect, Fiber, Queue, Stream } from "effect";
import { asFault } from "./as-fault.ts";
import type { Fault } from "./fault.ts";

/** What the promise gives; what it throws becomes a fault. The signal is aborted when it is interrupted. */
export const tryPromise = <A>(
  run: (signal: AbortSignal) => A | Promise<A>,
): Effect.Effect<A, Fault> =>
  Effect.tryPromise({ try: async (signal) => await run(signal), catch: asFault });

/**
 * The same for work that says how far it is. `progress` may wait (for a log, say), so a fiber of its own
 * passes the newest report on; what comes faster than that is dropped, the last one never.
 */
export const tryWithProgress = <A>(
  progress: (done: number, total: number) => Effect.Effect<void>,
  run: (report: (done: number, total: number) => void, signal: AbortSignal) => Promise<A>,
): Effect.Effect<A, Fault> =>
  Effect.flatMap(
    Queue.sliding<readonly [done: number, total: number], Cause.Done>(1),
    (reports) =>
      passingOn(
        reports,
        ([done, total]) => progress(done, total),
        (report, signal) => run((done, total) => report([done, total]), signal),
      ),
  );

/** The same for work that has something to say: each text is passed on, in order. */
export const tryWithNotes = <A>(
  note: (text: string) => Effect.Effect<void>,
  run: (say: (text: string) => void, signal: AbortSignal) => Promise<A>,
): Effect.Effect<A, Fault> =>
  Effect.flatMap(
    Queue.unbounded<string, Cause.Done>(),
    (texts) => passingOn(texts, note, run),
  );

const passingOn = <Report, A>(
  reports: Queue.Queue<Report, Cause.Done>,
  pass: (report: Report) => Effect.Effect<void>,
  run: (report: (each: Report) => void, signal: AbortSignal) => Promise<A>,
): Effect.Effect<A, Fault> =>
  Effect.gen(function* () {
    const passing = yield* Effect.forkChild(Stream.runForEach(Stream.fromQueue(reports), pass));
    const report = (each: Report) => void Queue.offerUnsafe(reports, each);
    const made = yield* tryPromise((signal) => run(report, signal)).pipe(
      Effect.ensuring(Queue.end(reports)),
    );
    yield* Fiber.join(passing);
    return made;
  });
