// A fault for people, on standard error: what is wrong, line by line, and for a defect where its report is.
import process from "node:process";
import { type Fault, Stopped } from "../lib/fault.ts";
import { writeCrashReport } from "../runtime/execute/crash-report.ts";
import { plainText } from "./plain-text.ts";

let reportFolder: string | null = null;

/** Once there is a run, the report of a defect belongs there; before, where temporary files are. */
export const reportDefectsIn = (folder: string): void => void (reportFolder = folder);

export function printFault(fault: Fault, args: readonly string[]): void {
  const write = (line: string) => void process.stderr.write(`${line}\n`);
  const lines = fault.message.split("\n").map(plainText);
  if (fault instanceof Stopped) return write(`Stopped. ${plainText(fault.fix)}`);
  lines.forEach(write);
  if (fault.kind === "defect") {
    write(`A report of it: ${writeCrashReport(fault, args, reportFolder)}`);
  }
}
