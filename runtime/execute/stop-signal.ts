// The wish to stop, from Ctrl-C or `runs stop`: a flag for those who end by themselves at the next step,
// and something to wait for by those who are interrupted.
// The trap: it is never taken back; another attempt has its own.
import { Deferred } from "effect";
import { Effect } from "../../lib/effect.ts";

/** Shared by who asks a run to stop and those who do. */
export interface StopSignal {
  /** Whether it was asked for. */
  readonly requested: () => boolean;
  /** Safe to call from a signal handler, and more than once. */
  readonly request: () => void;
  /** Ends when it is asked for. */
  readonly wait: Effect.Effect<void>;
}

/** One that nobody has asked for yet. */
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
