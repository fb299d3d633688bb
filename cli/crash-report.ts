// A defect's report: enough to find it, in a file that can be sent to somebody. It holds versions, the
// command, the error with its causes and where they arose; home and working folders are taken out.
// The trap: it says nothing of the environment, where tokens are kept; and the temporary folder is everybody's,
// so the file is made anew under a name that nobody can guess, for its owner alone.
import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join, parse } from "node:path";
import process from "node:process";
import type { Fault } from "../lib/fault.ts";
import { versions } from "../runtime/platform/versions.ts";

/** A folder as a whole, wherever it stands; not a root, which stands everywhere, nor the half of a name. */
function without(text: string, folder: string, mark: string): string {
  if (folder === "" || folder === parse(folder).root) return text;
  const parts = text.split(folder);
  return parts.reduce((done, part) => done + (/^[\w.-]/.test(part) ? folder : mark) + part);
}

const anonymous = (text: string): string =>
  without(without(text, process.cwd(), "."), homedir(), "~");

function causes(error: unknown): readonly string[] {
  if (!(error instanceof Error)) return error === undefined ? [] : [String(error)];
  return [error.stack ?? `${error.name}: ${error.message}`, ...causes(error.cause)];
}

const crashText = (fault: Fault, args: readonly string[]): string =>
  anonymous([
    fault.message,
    "",
    `command: ${args.join(" ")}`,
    ...Object.entries(versions).map(([name, version]) => `${name}: ${version}`),
    `platform: ${process.platform} ${process.arch}`,
    "",
    causes(fault).join("\ncaused by: "),
    "",
  ].join("\n"));

/**
 * Writes the report into `folder` (or, without one, where temporary files are) and gives its path. Throws
 * what writing throws.
 */
export function writeCrashReport(
  fault: Fault,
  args: readonly string[],
  folder: string | null,
): string {
  const place = folder ?? tmpdir();
  if (!existsSync(place)) mkdirSync(place);
  const path = join(place, `gnomic-crash-${randomUUID()}.txt`);
  writeFileSync(path, crashText(fault, args), { flag: "wx", mode: 0o600 });
  return path;
}
