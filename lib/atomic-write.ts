// Writes a file so that after any crash its path holds the old content or the new one: a temporary file
// beside it, synced, renamed over it, and the folder synced. The order is the point; a test records it.
// The trap: the temporary name is fixed, so that a killed process leaves at most one; one writer a path.
import { dirname } from "node:path";
import process from "node:process";
import { Effect } from "effect";
import { diskFault, errnoOf } from "./disk-fault.ts";
import type { Fault } from "./fault.ts";
import { Files } from "./files.ts";
import { renamed } from "./rename-over.ts";

/** Makes what the folder lists durable. Windows neither needs nor allows it. */
export const syncFolder = (folder: string) =>
  process.platform === "win32" ? Effect.void : Effect.gen(function* () {
    const files = yield* Files;
    yield* Effect.scoped(Effect.flatMap(files.open(folder), (handle) => handle.sync));
  });

/** Makes a folder and those above it, each name durable. */
export const makeFolder = (folder: string): Effect.Effect<void, Fault> =>
  Effect.gen(function* () {
    const files = yield* Files;
    const wanted = Effect.mapError(diskFault(folder, "to make this folder"));
    if (yield* wanted(files.exists(folder))) return;
    const above = dirname(folder);
    if (above !== folder) yield* makeFolder(above);
    // Not recursive: Node then says of a read-only disk that the folder above is missing.
    yield* wanted(
      Effect.catchIf(
        files.makeDirectory(folder),
        (error) => errnoOf(error) === "EEXIST", // made by another process meanwhile
        () => Effect.void,
      ),
    );
    yield* wanted(syncFolder(above));
  });

/** A rename, of a file or a folder, that a crash right after it leaves done. */
export const renameDurably = (from: string, to: string) =>
  Effect.flatMap(Files, (files) => renamed(files.rename(from, to))).pipe(
    Effect.andThen(syncFolder(dirname(to))),
  );

/** Replaces `path` by `content`, or fails and leaves it as it was. Not interrupted half-way. */
export const atomicWrite = (
  path: string,
  content: Uint8Array | string,
  options: { readonly temporary?: string; readonly what?: string } = {},
): Effect.Effect<void, Fault> =>
  Effect.gen(function* () {
    const files = yield* Files;
    const temporary = options.temporary ?? `${path}.tmp`;
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    yield* Effect.gen(function* () {
      yield* Effect.scoped(Effect.gen(function* () {
        const handle = yield* files.open(temporary, { flag: "w" });
        yield* handle.writeAll(bytes);
        yield* handle.sync;
      }));
      yield* renameDurably(temporary, path);
    }).pipe(
      Effect.onError(() => Effect.ignore(files.remove(temporary, { force: true }))),
    );
  }).pipe(
    Effect.mapError(diskFault(path, `to write ${options.what ?? "this file"}`)),
    Effect.uninterruptible,
  );
