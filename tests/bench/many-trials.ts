// What looking at a sweep of 200 trials costs: `sweep list` and `sweep show`, each in a process of its own, and
// the page's list and its view of the sweep. Wall and processor time.
// The trap: the processor time of processes that ended is told by Linux alone, in hundredths of a second.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { table } from "../../cli/table.ts";
import { startMonitor } from "../../observe/monitor/server/monitor.ts";
import { scriptCommand } from "../../runtime/platform/runtime.ts";
import { launchChromium, skipBrowser } from "../browser/chromium.ts";
import { writeSyntheticSweep } from "../synthetic-sweep.ts";
import { median, runMeasured } from "./measured-process.ts";

const program = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));

/** Seconds of all children that ended; NaN where the system does not say. */
function childrenSeconds(): number {
  try {
    const fields = readFileSync("/proc/self/stat", "utf8").split(") ")[1].split(" ");
    return (Number(fields[13]) + Number(fields[14])) / 100;
  } catch {
    return Number.NaN;
  }
}

const seconds = (value: number) => Number.isNaN(value) ? "-" : value.toFixed(2);

/** Milliseconds until each view is there, and the bytes that it asked for. */
async function openPages(base: string) {
  const monitor = await startMonitor(base, { port: 0 });
  const browser = await launchChromium();
  try {
    const page = await browser.newPage({ viewport: { width: 1360, height: 900 } });
    const sizes: Promise<number>[] = [];
    page.on(
      "response",
      (answer) => sizes.push(answer.body().then(({ length }) => length, () => 0)),
    );
    const made = [];
    const views = [
      ["page, list", "", ".run-card"],
      ["page, sweep", "#/sweep/rates", ".chart canvas"],
    ] as const;
    for (const [name, hash, painted] of views) {
      await page.goto("about:blank");
      sizes.length = 0;
      const started = performance.now();
      await page.goto(`${monitor.address}${hash}`);
      await page.locator(painted).first().waitFor();
      const took = (performance.now() - started) / 1000;
      const bytes = (await Promise.all(sizes)).reduce((sum, each) => sum + each, 0);
      made.push([name, seconds(took), `${Math.round(bytes / 1024)} KiB`, "2", took]);
    }
    return made;
  } finally {
    await browser.close();
    await monitor.close();
  }
}

/** Prints a row for each; the limits are the ones that the project set itself. */
export async function benchManyTrials(
  print: (line: string) => void,
  trials = 200,
  rounds = 3,
): Promise<void> {
  const base = mkdtempSync(join(tmpdir(), "gnomic-bench-sweep-"));
  try {
    const run = { steps: 500, totalSteps: 500, validateEvery: 250, pictureSize: 64 };
    await writeSyntheticSweep(base, { trials, pictured: 4, run });
    const rows: string[][] = [];
    for (const args of [["sweep", "list"], ["sweep", "show", "rates"]]) {
      const [command, all] = scriptCommand(program, ...args, "--output", base);
      const [wall, processor]: [number[], number[]] = [[], []];
      for (let round = 0; round < rounds; round++) {
        const before = childrenSeconds();
        const { startedAt } = await runMeasured(command, all);
        wall.push((Date.now() - startedAt) / 1000);
        processor.push(childrenSeconds() - before);
      }
      const found = median(processor);
      const verdict = found > 1 ? "ABOVE" : "ok";
      rows.push([args.join(" "), seconds(median(wall)), `${seconds(found)} s cpu`, "1", verdict]);
    }
    if (skipBrowser !== false) print(`page: ${skipBrowser}`);
    else {
      for (const [name, took, bytes, limit, value] of await openPages(base)) {
        const verdict = Number(value) <= 2 ? "ok" : "ABOVE";
        rows.push([`${name}`, `${took}`, `${bytes}`, `${limit}`, verdict]);
      }
    }
    const head = [`${trials} trials`, "wall s", "", "at most s", ""];
    table([head, ...rows], new Set([1, 2, 3])).forEach(print);
  } finally {
    rmSync(base, { recursive: true });
  }
}
