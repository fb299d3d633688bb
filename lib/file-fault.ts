// The errors of one weights file. `WeightsFileFault`: the file is not what it should be (missing, cut
// short, a pickle). Where the machine cannot read or write it, or the user may not, disk-fault.ts says so.
// The trap: "no such file" is the user's mistake, "input/output error" is not; exit codes differ.
import { causeText, diskFault, errnoOf, isRefused } from "./disk-fault.ts";
import { fault, isFault } from "./fault.ts";

export class WeightsFileFault extends fault("WeightsFileFault", "user") {}

const usersMistake: Readonly<Record<string, readonly [found: string, fix: string]>> = {
  ENOENT: ["no such file", "Check the path."],
  EEXIST: ["a file where its folder should be", "Check the path."],
  ENOTDIR: ["a file where its folder should be", "Check the path."],
  EISDIR: ["a folder", "Name the file."],
  ELOOP: ["symbolic links in a circle", "Repair the link."],
};

/** Why a file or folder cannot be read, in words. */
export function whyUnreadable(cause: unknown): string {
  const code = errnoOf(cause);
  return isRefused(code)
    ? `no right to read it (${code})`
    : usersMistake[code]?.[0] ?? causeText(cause);
}

/** What a failed file operation means to the user; faults pass unchanged. */
export function fileFault(file: string, cause: unknown): Error {
  if (isFault(cause)) return cause;
  const code = (cause as NodeJS.ErrnoException | undefined)?.code ?? "";
  const known = usersMistake[code];
  if (known !== undefined) {
    return new WeightsFileFault({ file, wanted: "a file", found: known[0], fix: known[1], cause });
  }
  return diskFault(file, "to read or write this file")(cause as Error);
}
