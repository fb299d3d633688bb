// The run of one training on its way between machines: brought here before it goes on, sent while it trains
// and at its end.
// The trap: what is here may be newer than what was sent, when a worker comes back to what it had; on one kind
// of machine any state at a step is the right one, so the one that is further counts.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Duration, Effect } from "effect";
import type { Fault } from "../lib/fault.ts";
import { savedStep } from "../runtime/run-folder/state.ts";
import { CorruptBlob } from "../runtime/store/blob-store.ts";
import type { Blobs } from "./blobs.ts";
import { restoreSnapshot } from "./restore-snapshot.ts";
import { readSnapshot, type Snapshot, SnapshotFault, type SnapshotMark } from "./snapshot.ts";

export interface Travel {
  readonly blobs: Blobs;
  /** Between two snapshots, unless something happens that is worth one. */
  readonly every: Duration.Duration;
}

/** Of the snapshot itself: every machine would find the same. */
export const isDamage = (failure: Fault): boolean =>
  failure instanceof CorruptBlob || failure instanceof SnapshotFault;

/**
 * Makes the run in `base` as new as the newest of these, the newest first; what it was restored from, null
 * where it is as new already. One whose bytes are damaged is passed over, and said.
 */
export const bringRun = (
  { blobs }: Pick<Travel, "blobs">,
  base: string,
  run: string,
  marks: readonly SnapshotMark[],
  say: (line: string) => void,
): Effect.Effect<Snapshot | null, Fault> =>
  Effect.gen(function* () {
    const dir = join(base, run);
    const here = existsSync(dir) ? (yield* savedStep(dir)) ?? -1 : -1;
    let trouble: Fault | null = null;
    for (const mark of marks) {
      if (mark.step <= here) return null;
      const restored = yield* readSnapshot(blobs, mark).pipe(
        Effect.tap((snapshot) => restoreSnapshot(blobs, snapshot, base)),
        Effect.result,
      );
      if (restored._tag === "Success") return restored.success;
      const { failure } = restored;
      if (!isDamage(failure)) return yield* Effect.fail(failure);
      say(`The snapshot of ${run} at step ${mark.step} is damaged: ${failure.message}`);
      trouble = failure;
    }
    return trouble === null || here >= 0 ? null : yield* Effect.fail(trouble);
  });
