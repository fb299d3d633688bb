// Removes the half-written files that killed processes left in a run's folder. Most are replaced when their
// file is written again; what nobody writes again would stay for ever.
// The trap: only for who holds the lock, whose own temporary file is left alone.
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { Effect } from "effect";

/** A file that cannot be removed does no harm. */
export const sweepTemporary = (runDir: string): Effect.Effect<void> =>
  Effect.tryPromise(async () => {
    const entries = await readdir(runDir, { recursive: true, withFileTypes: true });
    const left = entries.filter((entry) =>
      entry.isFile() && entry.name.endsWith(".tmp") && entry.name !== "lock.json.tmp"
    );
    for (const { parentPath, name } of left) await rm(join(parentPath, name), { force: true });
  }).pipe(Effect.ignore);
