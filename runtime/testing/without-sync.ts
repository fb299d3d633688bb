// A file system that does not wait for the disk: for tests of what is written, not of whether it would
// survive a power cut (recording-files.ts is for that). On a busy machine each sync costs milliseconds.
import { Effect, type FileSystem } from "effect";
import { changedFiles } from "./changed-files.ts";

export const withoutSync = (files: FileSystem.FileSystem): FileSystem.FileSystem =>
  changedFiles(files, () => ({ sync: Effect.void }));
