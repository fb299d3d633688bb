// The real file system with opened files that behave otherwise in what a test picks.
// The trap: Effect's files are objects of a class, so each member is passed on by name.
import { Effect, FileSystem } from "effect";

export const changedFiles = (
  files: FileSystem.FileSystem,
  change: (file: FileSystem.File, path: string) => Partial<FileSystem.File>,
): FileSystem.FileSystem => ({
  ...files,
  open: (path, options) =>
    Effect.map(files.open(path, options), (file): FileSystem.File => ({
      [FileSystem.FileTypeId]: FileSystem.FileTypeId,
      stat: file.stat,
      sync: file.sync,
      seek: (offset, from) => file.seek(offset, from),
      read: (buffer, options) => file.read(buffer, options),
      readAlloc: (size, options) => file.readAlloc(size, options),
      truncate: (length) => file.truncate(length),
      write: (bytes) => file.write(bytes),
      writeAll: (bytes) => file.writeAll(bytes),
      ...change(file, path),
    })),
});
