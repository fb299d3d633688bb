// A process from its start to its end: what it printed, how long it took to its marks, and the most
// resident memory it had, mapped pages counted.
// The trap: only Linux says what a process's peak was; it is read while the process runs, so the last
// fifth of a second may be missed. A process that prints its own peak is believed instead.
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";

export interface EndedProcess {
  readonly stdout: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  /** Bytes; 0 where the system does not say. */
  readonly peak: number;
}

const peakOf = async (pid: number): Promise<number> => {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024;
};

/** Rejects where the process fails, with the end of what it said. */
export function runMeasured(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<EndedProcess> {
  const startedAt = Date.now();
  const child = spawn(command, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, NO_COLOR: "1", ...env },
  });
  let [stdout, stderr, peak] = ["", "", 0];
  child.stdout.on("data", (bytes) => stdout += bytes);
  child.stderr.on("data", (bytes) => stderr += bytes);
  const watch = setInterval(async () => peak = Math.max(peak, await peakOf(child.pid!)), 200);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      clearInterval(watch);
      if (code === 0) resolve({ stdout, startedAt, peak });
      else {
        const said = `${stdout}${stderr}`.slice(-800);
        reject(new Error(`${command} ended with code ${code}: ${said}`));
      }
    });
  });
}

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length === 0
    ? Number.NaN
    : (sorted[Math.floor(middle)] + sorted[Math.ceil(middle) - 1]) / 2;
};
