// Work that is tried again after a fault that may pass by itself (`transient`), after a wait that doubles, give or
// take a fifth. The trap: any other fault ends it at once, and what throws is none; make it one before.
import { Duration, Effect, Schedule } from "effect";
import type { Fault } from "./fault.ts";

export interface Retry {
  readonly times: number;
  /** The first wait. */
  readonly backoffSeconds: number;
}

export interface Failed {
  readonly fault: Fault;
  /** Counts from 1. */
  readonly attempt: number;
  readonly delaySeconds: number;
}

/** `onRetry` is told before each wait. */
export const withRetries =
  (retry: Retry | null, onRetry: (failed: Failed) => Effect.Effect<void>) =>
  <A>(once: Effect.Effect<A, Fault>): Effect.Effect<A, Fault> =>
    retry === null || retry.times === 0 ? once : Effect.retry(
      once,
      Schedule.exponential(Duration.seconds(retry.backoffSeconds)).pipe(
        Schedule.jittered,
        Schedule.upTo({ times: retry.times }),
        Schedule.setInputType<Fault>(),
        Schedule.while(({ input }) => input.transient),
        Schedule.tap(({ input, attempt, duration }) =>
          onRetry({ fault: input, attempt, delaySeconds: Duration.toSeconds(duration) })
        ),
      ),
    );
