// A file system that does not wait for the disk: for tests of what is written, not of whether it would
// survive a power cut (recording-files.ts is for that). On a busy machine each sync costs milliseconds.
import { Effect, FileSystem } from "effect";

export const withoutSync = (files: FileSystem.FileSystem): FileSystem.FileSystem => ({
  ...files,
  open: (path, options) =>
    Effect.map(files.open(path, options), (file): FileSystem.File => ({
      [FileSystem.FileTypeId]: FileSystem.FileTypeId,
      stat: file.stat,
      sync: Effect.void,
      seek: (offset, from) => file.seek(offset, from),
      read: (buffer, options) => file.read(buffer, options),
      readAlloc: (size, options) => file.readAlloc(size, options),
      truncate: (length) => file.truncate(length),
      write: (bytes) => file.write(bytes),
      writeAll: (bytes) => file.writeAll(bytes),
    })),
});
