// A defect's report: enough to find it, in a file that can be sent to somebody. It holds versions, the
// command, the error with its causes and where they arose; home and working folders are taken out.
// The trap: it says nothing of the environment, where tokens are kept.
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import type { Fault } from "../../lib/fault.ts";
import { versions } from "../platform/versions.ts";

const anonymous = (text: string): string =>
  text.replaceAll(process.cwd(), ".").replaceAll(homedir(), "~");

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

/** Writes the report into `folder` (or, without one, where temporary files are) and gives its path. */
export function writeCrashReport(
  fault: Fault,
  args: readonly string[],
  folder: string | null,
): string {
  const place = folder ?? tmpdir();
  mkdirSync(place, { recursive: true });
  let number = 1;
  while (existsSync(join(place, `crash-${number}.txt`))) number++;
  const path = join(place, `crash-${number}.txt`);
  writeFileSync(path, crashText(fault, args));
  return path;
}
