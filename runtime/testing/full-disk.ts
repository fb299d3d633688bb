// A file system whose disk is full for the files that a test picks: writing fails as the kernel does.
import { Effect, type FileSystem, PlatformError } from "effect";
import { Files } from "../../lib/files.ts";
import { changedFiles } from "./changed-files.ts";

/** What the kernel says. */
export const refusal = (path: string, code: string) =>
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
): FileSystem.FileSystem =>
  changedFiles(Effect.runSync(Files), (file, path) => ({
    write: (bytes) => isFull(path) ? Effect.fail(refusal(path, code)) : file.write(bytes),
    writeAll: (bytes) =>
      isFull(path)
        ? Effect.andThen(
          file.writeAll(bytes.slice(0, bytes.length / 2)),
          Effect.fail(refusal(path, code)),
        )
        : file.writeAll(bytes),
  }));
