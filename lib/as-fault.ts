// Turns whatever was thrown into a fault: one of ours stays what it is, a failed file operation is the disk's,
// anything else is a defect.
// The trap: a message is shown, logged and kept in results, so no stack is in it; the crash report has it.
import { diskFault, errnoOf } from "./disk-fault.ts";
import { type Fault, fault, isFault } from "./fault.ts";

export class UnexpectedError extends fault("UnexpectedError", "defect") {}

/** The path of a failed file operation, of node:fs or of Effect's file system; of an open file neither has it. */
function pathOf(error: unknown): string | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { path, reason } = at as {
      readonly path?: unknown;
      readonly reason?: { readonly pathOrDescriptor?: unknown };
    };
    const named = [path, reason?.pathOrDescriptor].find((each) => typeof each === "string");
    if (named !== undefined) return named as string;
  }
  return undefined;
}

/** What the system says of an open file and of no connection. */
const ofFiles = /^E(IO|NOSPC|DQUOT|ROFS|STALE|ACCES|PERM|FBIG|NXIO|ISDIR)$/;

/** Of a failed file operation what it means to the user; undefined: it is none. */
export function systemFault(cause: unknown): Fault | undefined {
  const path = pathOf(cause);
  return cause instanceof Error && (path === undefined ? ofFiles : /^E[A-Z]/).test(errnoOf(cause))
    ? diskFault(path, "to use this file or folder")(cause)
    : undefined;
}

export const asFault = (cause: unknown): Fault =>
  isFault(cause) ? cause : systemFault(cause) ?? new UnexpectedError({
    wanted: "no such error",
    found: cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause),
    fix: "This is a defect of gnomic; please report it with this text.",
    cause,
  });
