// The wish to stop, from Ctrl-C or `runs stop`: a flag for those who end by themselves at the next step,
// and something to wait for by those who are interrupted.
import { Deferred, Effect } from "effect";

export interface StopSignal {
  readonly requested: () => boolean;
  /** Safe to call from a signal handler, and more than once. */
  readonly request: () => void;
  readonly wait: Effect.Effect<void>;
}

export function makeStopSignal(): StopSignal {
  const deferred = Deferred.makeUnsafe<void>();
  let requested = false;
  return {
    requested: () => requested,
    request: () => {
      requested = true;
      Deferred.doneUnsafe(deferred, Effect.void);
    },
    wait: Deferred.await(deferred),
  };
}
