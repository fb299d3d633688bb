// Writes a file of the store, where other trainings write at the same moment, often the same file: as
// atomic-write.ts does, under a temporary name of its own in `tmp/`. What killed processes left there is
// swept once a day old.
// The trap: whoever clears up may delete the store while a training runs, so folders are made each time.
import { randomUUID } from "node:crypto";
import { dirname, join } from "node:path";
import { Clock, Effect, Option } from "effect";
import { atomicWrite, makeFolder } from "./atomic-write.ts";
import type { Fault } from "./fault.ts";
import { Files } from "./files.ts";

/** `what` is it, e.g. "a blob". The one that writes last stays. */
export type SharedWrite = (
  path: string,
  content: Uint8Array | string,
  what: string,
) => Effect.Effect<void, Fault>;

const abandonedMs = 24 * 3600 * 1000;

const sweep = (folder: string) =>
  Effect.gen(function* () {
    const files = yield* Files;
    const now = yield* Clock.currentTimeMillis;
    for (const name of yield* files.readDirectory(folder)) {
      const path = join(folder, name);
      const { mtime } = yield* files.stat(path);
      const age = Option.match(mtime, { onNone: () => 0, onSome: (at) => now - at.getTime() });
      if (age > abandonedMs) yield* files.remove(path, { force: true });
    }
  }).pipe(Effect.ignore);

/** `folder` is the store's. Nothing is made before something is written. */
export const openSharedWrite = (folder: string): Effect.Effect<SharedWrite> =>
  Effect.gen(function* () {
    const temporary = join(folder, "tmp");
    const swept = yield* Effect.cached(sweep(temporary));
    return (path, content, what) =>
      Effect.gen(function* () {
        yield* makeFolder(temporary);
        yield* swept;
        yield* makeFolder(dirname(path));
        yield* atomicWrite(path, content, { temporary: join(temporary, randomUUID()), what });
      });
  });
