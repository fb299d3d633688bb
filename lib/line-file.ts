// A file of lines that is only ever appended to, by one writer: the events of a run, the elements of a stream.
// Half a line, which a crash or a full disk left at its end, is cut off before anything comes behind it.
// The trap: places in the file are counted in bytes, never in decoded text, where damage changes its length.
import { dirname } from "node:path";
import { Effect } from "effect";
import { makeFolder } from "./atomic-write.ts";
import { diskFault, errnoOf } from "./disk-fault.ts";
import type { Fault } from "./fault.ts";
import { Files } from "./files.ts";

export interface LineFile {
  /** The lines that were there when it was opened, without their ends. */
  readonly lines: readonly string[];
  /** `text` is whole lines with their ends. Where it fails nothing of them stays. */
  readonly append: (text: string, sync: boolean) => Effect.Effect<void, Fault>;
}

const lineEnd = 10;

/** `action` is for the fault, e.g. "to write the events". */
export const openLineFile = Effect.fnUntraced(function* (file: string, action: string) {
  const files = yield* Files;
  const wanted = Effect.mapError(diskFault(file, action));
  const bytes = yield* files.readFile(file).pipe(
    Effect.catchIf((error) => errnoOf(error) === "ENOENT", () => Effect.succeed(new Uint8Array())),
    wanted,
  );
  let size = bytes.lastIndexOf(lineEnd) + 1;
  if (size < bytes.length) yield* wanted(files.truncate(file, size));
  const lines = new TextDecoder().decode(bytes.subarray(0, size)).split("\n").slice(0, -1);
  let torn = false;

  const append = (text: string, sync: boolean) =>
    Effect.gen(function* () {
      if (torn) yield* wanted(files.truncate(file, size));
      torn = true;
      const added = new TextEncoder().encode(text);
      yield* makeFolder(dirname(file));
      yield* wanted(Effect.scoped(Effect.gen(function* () {
        const handle = yield* files.open(file, { flag: "a" });
        yield* handle.writeAll(added);
        if (sync) yield* handle.sync;
      })));
      size += added.length;
      torn = false;
    }).pipe(
      Effect.tapError(() =>
        Effect.ignore(Effect.tap(files.truncate(file, size), () => Effect.sync(() => torn = false)))
      ),
      Effect.uninterruptible,
    );
  return { lines, append } satisfies LineFile;
});
