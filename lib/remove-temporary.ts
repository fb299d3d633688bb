// Removes the half-written files that killed processes left in a run's folder. Most are replaced when their
// file is written again; what nobody writes again would stay for ever.
// The trap: only for who holds the lock, whose own temporary file is left alone.
import { Effect } from "effect";
import { Files } from "./files.ts";
import { entriesBelow } from "./look.ts";

/** A file that cannot be removed does no harm. */
export const sweepTemporary = (runDir: string): Effect.Effect<void> =>
  Effect.gen(function* () {
    const files = yield* Files;
    const left = (yield* entriesBelow(runDir)).filter(({ name, type }) =>
      type === "File" && name.endsWith(".tmp") && name !== "lock.json.tmp"
    );
    for (const { path } of left) yield* files.remove(path, { force: true });
  }).pipe(Effect.ignore);
