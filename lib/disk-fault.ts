// What a failed file operation means to the user: a folder without rights is theirs to change (exit 2),
// a full or failing disk is the world's (exit 3, what was saved before stays).
import type { PlatformError } from "effect";
import { type Fault, fault } from "./fault.ts";

export class DiskFault extends fault("DiskFault", "world") {}
export class NotWritable extends fault("NotWritable", "user") {}
/** Something else lies where a folder is wanted, or one above it. */
export class NoFolderThere extends fault("NoFolderThere", "user") {}

/** The operating system's code (ENOSPC, ...) of an error of Effect's file system or of node:fs. */
export function errnoOf(error: unknown): string {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ("code" in at && typeof at.code === "string") return at.code;
  }
  return "";
}

/** Nothing lies there, or a file where its folder should be. */
export const isAbsent = (error: unknown): boolean => ["ENOENT", "ENOTDIR"].includes(errnoOf(error));

/** The user has no right to do that, there or at all. */
export const isRefused = (code: string): boolean => ["EACCES", "EPERM", "EROFS"].includes(code);

const fullCodes = ["ENOSPC", "EDQUOT"];

/** No room is left, on the disk or of what the user may take. */
export const isFull = (code: string): boolean => fullCodes.includes(code);

/** Whether a message is of that, whoever made it: all name the operating system's code. */
export const saysFull = (text: string): boolean => fullCodes.some((code) => text.includes(code));

/** What the operating system said, in its words. */
export const causeText = (error: unknown): string => {
  let at = error;
  while (at instanceof Error && at.cause instanceof Error) at = at.cause;
  return at instanceof Error ? at.message : String(at);
};

export const noFolder = (file: string | undefined, wanted: string, cause?: unknown): Fault =>
  new NoFolderThere({
    ...(file === undefined ? {} : { file }),
    wanted,
    found: "a file where its folder should be",
    fix: "Correct the path, choose another one with --output, or move the file away.",
    cause,
  });

/** `action` says what was wanted, e.g. "to write the training state". */
export const diskFault =
  (file: string | undefined, action: string) =>
  (cause: PlatformError.PlatformError | Error): Fault => {
    const code = errnoOf(cause);
    const place = file === undefined ? {} : { file };
    if (isRefused(code)) {
      return new NotWritable({
        ...place,
        wanted: action,
        found: `no right to do so (${code})`,
        fix:
          "Change the rights of it or of its folder, or name another place (--output for results).",
        cause,
      });
    }
    if (code === "ENOTDIR") return noFolder(file, action, cause);
    const full = isFull(code);
    return new DiskFault({
      ...place,
      wanted: action,
      found: full ? `a full disk (${code})` : causeText(cause),
      fix: full
        ? "Free some space and give the same command again; what was saved before is kept."
        : "Check the disk and the path, then give the same command again.",
      cause,
    });
  };
