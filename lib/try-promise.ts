// A promise as an Effect, for the edge between plain TypeScript and Effect: what it throws becomes a fault.
// The trap: the signal is aborted when the Effect is interrupted; work that takes long has to heed it.
import { type Cause, Effect, Fiber, Queue, type Scope, Stream } from "effect";
import { asFault } from "./as-fault.ts";
import type { Fault } from "./fault.ts";

/** What the promise gives; what it throws becomes a fault. The signal is aborted when it is interrupted. */
export const tryPromise = <A>(
  run: (signal: AbortSignal) => A | Promise<A>,
): Effect.Effect<A, Fault> =>
  Effect.tryPromise({ try: async (signal) => await run(signal), catch: asFault });

/** How far work is; of a unit only where it is another than usual. */
type Said = readonly [done: number, total: number, unit?: string];

/**
 * The same for work that says how far it is. `progress` may wait (for a log, say), so a fiber of its own
 * passes the newest report on; what comes faster than that is dropped, the last one never.
 */
export const tryWithProgress = <A>(
  progress: (...said: Said) => Effect.Effect<void>,
  run: (report: (...said: Said) => void, signal: AbortSignal) => Promise<A>,
): Effect.Effect<A, Fault> =>
  Effect.gen(function* () {
    const reports = yield* Queue.sliding<Said, Cause.Done>(1);
    const passing = yield* Effect.forkChild(
      Stream.runForEach(Stream.fromQueue(reports), (said) => progress(...said)),
    );
    const report = (...said: Said) => void Queue.offerUnsafe(reports, said);
    const made = yield* tryPromise((signal) => run(report, signal)).pipe(
      Effect.ensuring(Queue.end(reports)),
    );
    yield* Fiber.join(passing);
    return made;
  });

/**
 * What may be told something at any time until the scope closes: each text is passed on, in order, and
 * closing waits for the last.
 */
export const listener = (
  note: (text: string) => Effect.Effect<void>,
): Effect.Effect<(text: string) => void, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.gen(function* () {
      const texts = yield* Queue.unbounded<string, Cause.Done>();
      // Not a child: what is said right before a failure is passed on too.
      const passing = yield* Effect.forkDetach(Stream.runForEach(Stream.fromQueue(texts), note));
      return { texts, passing };
    }),
    ({ texts, passing }) => Effect.andThen(Queue.end(texts), Fiber.join(passing)),
  ).pipe(Effect.map(({ texts }) => (text: string) => void Queue.offerUnsafe(texts, text)));
