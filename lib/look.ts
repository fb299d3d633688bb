// Looking at what lies where, through `Files`. Of the first five the answer to anything that the system does not
// tell is that it is not there.
// The trap: that is right for what can be made again or is said in other words; who must know why it cannot be
// read asks `Files` and makes a fault of what it says (disk-fault.ts).
import { join } from "node:path";
import { Effect, type FileSystem, Option, type PlatformError } from "effect";
import { asFault } from "./as-fault.ts";
import { diskFault, errnoOf, isAbsent, noFolder } from "./disk-fault.ts";
import type { Fault } from "./fault.ts";
import { Files } from "./files.ts";

/** Whether anything lies there; what a link points at, where it is one. */
export const isThere = (path: string): Effect.Effect<boolean> =>
  Effect.isSuccess(Effect.flatMap(Files, (files) => files.stat(path)));

export const isFolder = (path: string): Effect.Effect<boolean> =>
  Effect.flatMap(Files, (files) => files.stat(path)).pipe(
    Effect.map(({ type }) => type === "Directory"),
    Effect.orElseSucceed(() => false),
  );

/** Fails where a folder neither is nor can be made, as something else is there. */
export const folderOrRoom = (path: string): Effect.Effect<void, Fault> =>
  Effect.flatMap(Files, (files) => files.stat(path)).pipe(
    Effect.match({
      onSuccess: ({ type }) => type === "Directory",
      onFailure: (error) => errnoOf(error) !== "ENOTDIR",
    }),
    Effect.flatMap((fits) => fits ? Effect.void : Effect.fail(noFolder(path, "a folder of runs"))),
  );

/** When it was last written to, in milliseconds since 1970; undefined: it is not there. */
export const writtenAt = (path: string): Effect.Effect<number | undefined> =>
  Effect.flatMap(Files, (files) => files.stat(path)).pipe(
    Effect.map(({ mtime }) => Option.getOrUndefined(mtime)?.getTime()),
    Effect.orElseSucceed(() => undefined),
  );

/** What a folder lists, in no order. */
export const namesIn = (folder: string): Effect.Effect<readonly string[]> =>
  Effect.flatMap(Files, (files) => files.readDirectory(folder)).pipe(
    Effect.orElseSucceed((): readonly string[] => []),
  );

/** Undefined: there is none that can be read. */
export const textIn = (file: string): Effect.Effect<string | undefined> =>
  Effect.flatMap(Files, (files) => files.readFileString(file)).pipe(
    Effect.orElseSucceed(() => undefined),
  );

/** Undefined: there is none. Whatever else keeps it from being read is a fault; `action` says what was wanted. */
export const bytesUnlessAbsent = (
  file: string,
  action: string,
): Effect.Effect<Uint8Array | undefined, Fault> =>
  Effect.flatMap(Files, (files) => files.readFile(file)).pipe(
    Effect.catchIf(isAbsent, () => Effect.succeed(undefined)),
    Effect.mapError(diskFault(file, action)),
  );

export interface Entry {
  readonly path: string;
  readonly name: string;
  readonly type: FileSystem.File.Type;
}

/** The folders in one, links to folders too, hidden ones not; by name. */
export const foldersIn = (
  folder: string,
): Effect.Effect<readonly string[], PlatformError.PlatformError> =>
  Effect.gen(function* () {
    const files = yield* Files;
    const entries = (yield* files.readDirectoryEntries(folder))
      .filter(({ name }) => !name.startsWith("."))
      .map(({ name, type }) => ({ path: join(folder, name), type }));
    const folders = yield* Effect.filter(
      entries,
      ({ path, type }) =>
        type === "SymbolicLink" ? isFolder(path) : Effect.succeed(type === "Directory"),
    );
    return folders.map(({ path }) => path).toSorted();
  });

/** Links in a folder whose target is not there, or on a disk that is away; by name. */
export const danglingIn = (
  folder: string,
): Effect.Effect<readonly string[], PlatformError.PlatformError> =>
  Effect.gen(function* () {
    const files = yield* Files;
    const links = (yield* files.readDirectoryEntries(folder))
      .filter(({ type }) => type === "SymbolicLink");
    const dangling = yield* Effect.filter(
      links,
      ({ name }) => Effect.map(isThere(join(folder, name)), (there) => !there),
    );
    return dangling.map(({ name }) => name).toSorted();
  });

/** All that is no folder, however deep below one. Links are entries, whatever they point at. */
export const entriesBelow = (folder: string): Effect.Effect<readonly Entry[], Fault> =>
  Effect.gen(function* () {
    const files = yield* Files;
    const found = yield* Effect.mapError(files.readDirectoryEntries(folder), asFault);
    const all = yield* Effect.forEach(found, ({ name, type }) => {
      const path = join(folder, name);
      return type === "Directory" ? entriesBelow(path) : Effect.succeed([{ path, name, type }]);
    });
    return all.flat();
  });

/** Bytes of all files below a folder; links count as nothing, nor does what is gone since it was listed. */
export const bytesBelow = (folder: string): Effect.Effect<number, Fault> =>
  Effect.gen(function* () {
    const files = yield* Files;
    const plain = (yield* entriesBelow(folder)).filter(({ type }) => type === "File");
    const bytesOf = (path: string) =>
      Effect.map(files.lstat(path), ({ size }) => Number(size)).pipe(
        Effect.catchIf(isAbsent, () => Effect.succeed(0)),
      );
    const all = yield* Effect.forEach(plain, ({ path }) => bytesOf(path), { concurrency: 8 });
    return all.reduce((sum, bytes) => sum + bytes, 0);
  }).pipe(Effect.mapError(asFault));
