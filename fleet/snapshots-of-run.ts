// What of a run is sent while it trains here, and the row that points at the newest: every so often, and when
// something happened that is worth it.
// The trap: a training does not wait for any of it. Blobs or a database that are away are said once, and the
// newest is sent when they are back.
import { existsSync } from "node:fs";
import { Effect, type Latch, Semaphore } from "effect";
import { isSqlError, type SqlError } from "effect/sql/SqlError";
import { type Fault, isFault } from "../lib/fault.ts";
import type { Snapshot, SnapshotMark } from "./snapshot.ts";
import { snapshotSender } from "./take-snapshot.ts";
import type { Travel } from "./travelling-run.ts";

export interface Snapshots<E> {
  /** Sends what is new. */
  readonly send: Effect.Effect<void, E | SqlError | Fault>;
  /** Does so for ever, at once whenever `moment` opens; fails only with `E`. */
  readonly sending: (moment: Latch.Latch) => Effect.Effect<never, E>;
}

/** A run that stays where it is. */
export const noSnapshots: Snapshots<never> = { send: Effect.void, sending: () => Effect.never };

/** `keep` points the run's row at one; it fails with `E` when the run is another's. */
export const snapshotsOf = <E>(
  { blobs, every }: Travel,
  run: { readonly dir: string; readonly name: string; readonly restored: Snapshot | null },
  keep: (mark: SnapshotMark) => Effect.Effect<void, E | SqlError>,
  say: (line: string) => void,
): Snapshots<E> => {
  const take = snapshotSender(run.dir, run.name, blobs, run.restored);
  const turn = Semaphore.makeUnsafe(1);
  let kept = "";
  const send = Effect.gen(function* () {
    if (!existsSync(run.dir)) return;
    const mark = yield* take;
    if (mark.digest === kept) return;
    yield* keep(mark);
    kept = mark.digest;
  }).pipe(Semaphore.withPermit(turn));
  return {
    send,
    sending: (moment) =>
      Effect.gen(function* () {
        let said = "";
        for (;;) {
          yield* Effect.raceFirst(Effect.sleep(every), moment.await);
          moment.closeUnsafe();
          const sent = yield* Effect.result(send);
          if (sent._tag === "Success") continue;
          const { failure } = sent;
          if (isFault(failure)) {
            if (failure.message !== said) say(`No snapshot was sent: ${failure.message}`);
            said = failure.message;
          } else if (!isSqlError(failure)) return yield* Effect.fail(failure);
        }
      }),
  };
};
