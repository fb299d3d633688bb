// A fault for people, on standard error: what is wrong, line by line, and for a defect where its report is.
import process from "node:process";
import { type Fault, Stopped } from "../lib/fault.ts";
import { writeCrashReport } from "./crash-report.ts";
import { plainText } from "./plain-text.ts";

let reportFolder: string | null = null;

/** Once there is a run, the report of a defect belongs there; before, where temporary files are. */
export const reportDefectsIn = (folder: string): void => void (reportFolder = folder);

export function printFault(fault: Fault, args: readonly string[]): void {
  const write = (line: string) => void process.stderr.write(`${line}\n`);
  const lines = fault.message.split("\n").map(plainText);
  if (fault instanceof Stopped) return write(`Stopped. ${plainText(fault.fix)}`);
  lines.forEach(write);
  if (fault.kind !== "defect") return;
  try {
    write(`A report of it: ${writeCrashReport(fault, args, reportFolder)}`);
  } catch (cause) {
    write(`No report of it could be written: ${(cause as Error).message}`);
  }
}
