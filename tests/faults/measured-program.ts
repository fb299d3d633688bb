// The program with its arguments, which says at its end how much memory it took at most.
// The trap: a process is charged by `maxRSS` with what its parent held when it was started; Linux's own high
// mark of the process is not.
import { readFileSync, writeFileSync } from "node:fs";
import process from "node:process";

function peakBytes(): number {
  try {
    const [, kib] = /^VmHWM:\s*(\d+) kB/m.exec(readFileSync("/proc/self/status", "utf8"))!;
    return Number(kib) * 1024;
  } catch {
    return process.resourceUsage().maxRSS * 1024;
  }
}

const { user, system } = process.cpuUsage();
process.on("exit", () => {
  const used = process.cpuUsage();
  const seconds = (used.user - user + used.system - system) / 1e6;
  writeFileSync(process.env.GNOMIC_MEASURED!, JSON.stringify({ peak: peakBytes(), seconds }));
});
await import("../../cli/main.ts");
