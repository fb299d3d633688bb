// A file system whose disk is full for the files that a test picks: writing fails as the kernel does.
import { Effect, FileSystem, PlatformError } from "effect";
import { Files } from "../store/files.ts";

const refusal = (path: string, code: string) =>
  PlatformError.systemError({
    _tag: "Unknown",
    module: "FileSystem",
    method: "write",
    pathOrDescriptor: path,
    cause: Object.assign(new Error(`${code}: write`), { code }),
  });

/** Half of the bytes arrive, then `code`, as long as `isFull(path)`. */
export const fullDisk = (
  isFull: (path: string) => boolean,
  code = "ENOSPC",
): FileSystem.FileSystem => {
  const real = Effect.runSync(Files);
  const open: FileSystem.FileSystem["open"] = (path, options) =>
    Effect.map(real.open(path, options), (file): FileSystem.File => ({
      [FileSystem.FileTypeId]: FileSystem.FileTypeId,
      stat: file.stat,
      seek: (offset, from) => file.seek(offset, from),
      read: (buffer, options) => file.read(buffer, options),
      readAlloc: (size, options) => file.readAlloc(size, options),
      truncate: (length) => file.truncate(length),
      sync: file.sync,
      write: (bytes) => isFull(path) ? Effect.fail(refusal(path, code)) : file.write(bytes),
      writeAll: (bytes) =>
        isFull(path)
          ? Effect.andThen(
            file.writeAll(bytes.slice(0, bytes.length / 2)),
            Effect.fail(refusal(path, code)),
          )
          : file.writeAll(bytes),
    }));
  return { ...real, open };
};
