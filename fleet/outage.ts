// What the slots of a worker know together of a database that is away: it is said once, and for a lease after
// its return none of them takes anything.
// The trap: owners renew their claims first; else a slot that became free meanwhile wins trainings of others
// that only could not say that they live.
import { Clock, Duration, Effect } from "effect";
import { outlast } from "./outlast.ts";

export interface Outage {
  /** Asks until the database answers; `back` is told when it had been away. */
  readonly outlast: <A, E, R>(
    ask: Effect.Effect<A, E, R>,
    back?: () => void,
  ) => Effect.Effect<A, E, R>;
  /**
   * Whether it came back less than a lease ago. `lateMs`: by how much longer than meant nothing was heard of it. It
   * may have hung, or this machine stood still and the others with it: that is as if it had been away.
   */
  readonly isFresh: (lateMs: number) => Effect.Effect<boolean>;
}

export const watchOutages = (
  lease: Duration.Duration,
  say: (line: string) => void,
): Effect.Effect<Outage> =>
  Effect.map(Clock.Clock, (clock) => {
    const leaseMs = Duration.toMillis(lease);
    let isAway = false;
    let freshUntil = -Infinity;
    const away = () => {
      if (!isAway) say("The database is away; trainings go on, and this worker asks again.");
      isAway = true;
    };
    const back = () => {
      freshUntil = clock.currentTimeMillisUnsafe() + leaseMs;
      if (isAway) say("The database is back.");
      isAway = false;
    };
    return {
      outlast: (ask, then) =>
        outlast(ask, {
          away,
          back: () => {
            back();
            then?.();
          },
        }),
      isFresh: (lateMs) =>
        Effect.map(Clock.currentTimeMillis, (now) => {
          // A worker that is starved all the time is late all the time, and takes in every second lease.
          if (lateMs > leaseMs / 3 && now >= freshUntil + leaseMs) freshUntil = now + leaseMs;
          return now < freshUntil;
        }),
    };
  });
