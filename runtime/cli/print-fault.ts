// A fault for people, on standard error: what is wrong, line by line, and for a defect where its report is.
import process from "node:process";
import type { Fault } from "../../engine/fault.ts";
import { writeCrashReport } from "../crash-report.ts";
import { Stopped } from "../stopped.ts";
import { plainText } from "./plain-text.ts";

/** `folder` takes a defect's report; null: where temporary files are. */
export function printFault(fault: Fault, args: readonly string[], folder: string | null): void {
  const write = (line: string) => void process.stderr.write(`${line}\n`);
  const lines = fault.message.split("\n").map(plainText);
  if (fault instanceof Stopped) return write(`Stopped. ${plainText(fault.fix)}`);
  lines.forEach(write);
  if (fault.kind === "defect") write(`A report of it: ${writeCrashReport(fault, args, folder)}`);
}
