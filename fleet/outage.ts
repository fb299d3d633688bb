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
  /** Whether it came back less than a lease ago. */
  readonly isFresh: Effect.Effect<boolean>;
}

export const watchOutages = (
  lease: Duration.Duration,
  say: (line: string) => void,
): Effect.Effect<Outage> =>
  Effect.map(Clock.Clock, (clock) => {
    let isAway = false;
    let freshUntil = -Infinity;
    const away = () => {
      if (!isAway) say("The database is away; trainings go on, and this worker asks again.");
      isAway = true;
    };
    const back = () => {
      freshUntil = clock.currentTimeMillisUnsafe() + Duration.toMillis(lease);
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
      isFresh: Effect.map(Clock.currentTimeMillis, (now) => now < freshUntil),
    };
  });
