// What looking at long runs from a terminal costs: two runs of 200 000 steps, listed, shown, compared and put
// into a report, each in a process of its own; first without the index beside the log, then with it.
// The trap: the first time writes the index, so it is deleted before each such run.
import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { table } from "../../cli/table.ts";
import { scriptCommand } from "../../runtime/platform/runtime.ts";
import { makeRun } from "../../runtime/testing/make-run.ts";
import { defaultRun, syntheticEvents } from "../synthetic-events.ts";
import { median, runMeasured } from "./measured-process.ts";

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const program = file("../../cli/main.ts");

async function makeLongRun(base: string, name: string, seed: number, steps: number) {
  const dir = await makeRun(base, { name, step: steps });
  const log = openSync(join(dir, "events.jsonl"), "w");
  const run = { ...defaultRun, seed, steps, totalSteps: steps, validateEvery: steps / 200 };
  let lines = "";
  for (const event of syntheticEvents(run, name)) {
    lines += `${JSON.stringify(event)}\n`;
    if (lines.length < 1 << 20) continue;
    writeSync(log, lines);
    lines = "";
  }
  writeSync(log, lines);
  closeSync(log);
  return dir;
}

/** Seconds, the program's start included; the limits are the ones that the project set itself. */
export async function benchLongLog(
  print: (line: string) => void,
  steps = 200_000,
  rounds = 3,
): Promise<void> {
  const base = mkdtempSync(join(tmpdir(), "gnomic-bench-log-"));
  try {
    const dirs = [
      await makeLongRun(base, "long-a", 1, steps),
      await makeLongRun(base, "long-b", 2, steps),
    ];
    const runs = (...args: readonly string[]) =>
      scriptCommand(program, "runs", ...args, "--output", base);
    const commands = [
      ["runs list", runs("list"), 1],
      ["runs show", runs("show", "long-a"), 2],
      ["runs compare", runs("compare", "long-a", "long-b"), 2],
      ["report", scriptCommand(file("./write-report.ts"), dirs[0]), 5],
    ] as const;
    const forget = () => dirs.forEach((dir) => rmSync(join(dir, ".events-index"), { force: true }));
    const timed = async ([command, args]: readonly [string, readonly string[]]) => {
      const { startedAt } = await runMeasured(command, args);
      return (Date.now() - startedAt) / 1000;
    };
    const rows: string[][] = [];
    for (const [name, command, limit] of commands) {
      const [first, then]: [number[], number[]] = [[], []];
      for (let round = 0; round < rounds; round++) {
        forget();
        first.push(await timed(command));
        then.push(await timed(command));
      }
      const found = median(then);
      const verdict = found <= limit ? "ok" : "ABOVE";
      rows.push([name, median(first).toFixed(2), found.toFixed(2), `${limit}`, verdict]);
    }
    const mib = Math.round(statSync(join(dirs[0], "events.jsonl")).size / 2 ** 20);
    const head = [
      `${steps.toLocaleString("en-GB")} steps, ${mib} MiB`,
      ...["without index s", "with index s", "at most s", ""],
    ];
    table([head, ...rows], new Set([1, 2, 3])).forEach(print);
  } finally {
    rmSync(base, { recursive: true });
  }
}
