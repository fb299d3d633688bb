// A file system that does what it is told and writes down what was done to what, in order: for tests
// that must see a missing sync, which no killed process shows.
import { basename } from "node:path";
import { Effect, type FileSystem } from "effect";
import { Files } from "../../lib/files.ts";
import { changedFiles } from "./changed-files.ts";

export interface Recording {
  readonly files: FileSystem.FileSystem;
  /** e.g. "write a.tmp", "sync a.tmp", "rename a.tmp a", "sync folder". */
  readonly log: string[];
}

export const recordingFiles = (name: (path: string) => string = basename): Recording => {
  const real = Effect.runSync(Files);
  const log: string[] = [];
  const record = (text: string) => Effect.sync(() => void log.push(text));
  const changed = changedFiles(real, (file, path) => ({
    sync: Effect.tap(file.sync, () => record(`sync ${name(path)}`)),
    write: (bytes) => Effect.tap(file.write(bytes), () => record(`write ${name(path)}`)),
    writeAll: (bytes) => Effect.tap(file.writeAll(bytes), () => record(`write ${name(path)}`)),
  }));
  const rename: FileSystem.FileSystem["rename"] = (from, to) =>
    Effect.tap(real.rename(from, to), () => record(`rename ${name(from)} ${name(to)}`));
  return { files: { ...changed, rename }, log };
};
