// What of the store a run refers to: every SHA-256 that its JSON files name (manifest, streams, what its
// stages returned). Read as text, so that a half-written or newer file still counts.
// The trap: naming too much keeps a few bytes too long; naming too little would lose a training.
import { relative, sep } from "node:path";
import { Effect, Stream } from "effect";
import { asFault } from "../../lib/as-fault.ts";
import { diskFault } from "../../lib/disk-fault.ts";
import type { Fault } from "../../lib/fault.ts";
import { Files } from "../../lib/files.ts";
import { entriesBelow } from "../../lib/look.ts";
import { eventsName } from "../run-folder/run-files.ts";

const digest = /(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])/g;

/** Long, and known to name nothing of the store. */
const passedOver = new Set([eventsName, "control.jsonl"]);

/** SHA-256 in hex, of blobs and of artefacts. */
export const referencesOf = (runDir: string): Effect.Effect<ReadonlySet<string>, Fault> =>
  Effect.gen(function* () {
    const files = yield* Files;
    const found = new Set<string>();
    for (const { path, type } of yield* entriesBelow(runDir)) {
      if (type !== "File" || !/\.jsonl?$/.test(path)) continue;
      if (passedOver.has(relative(runDir, path).split(sep).join("/"))) continue;
      yield* files.stream(path).pipe(
        Stream.mapError(diskFault(path, "to read what this run needs")),
        Stream.decodeText(),
        Stream.splitLines,
        Stream.runForEach((line) =>
          Effect.sync(() => line.match(digest)?.forEach((each) => found.add(each)))
        ),
      );
    }
    return found;
  }).pipe(Effect.mapError(asFault));
