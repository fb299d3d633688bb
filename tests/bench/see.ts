/// <reference lib="dom" />
// What looking at a run costs: the event writer per step, and how fast the page of a long run opens
// (100 000 steps, 200 validations).
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { startMonitor } from "../../observe/monitor/server/monitor.ts";
import { openTensorBoard } from "../../observe/tensorboard/tensorboard.ts";
import { launchChromium, skipBrowser } from "../browser/chromium.ts";
import { defaultRun, syntheticEvents } from "../synthetic-events.ts";
import { createRunFolder } from "../synthetic-run.ts";

/** Milliseconds that the writer of TensorBoard files takes for a step with all its events. */
async function benchEventWriter(steps = 2000): Promise<number> {
  const runDir = mkdtempSync(join(tmpdir(), "gnomic-bench-"));
  try {
    const warn = (text: string) => process.stderr.write(`${text}\n`);
    const board = await openTensorBoard({ runDir, configuration: {}, warn });
    const events = [...syntheticEvents({ ...defaultRun, steps, totalSteps: steps })];
    const started = performance.now();
    for (const event of events) await board.onEvent(event);
    const took = performance.now() - started;
    await board.close();
    return took / steps;
  } finally {
    rmSync(runDir, { recursive: true });
  }
}

/** A long run whose pictures are copies of one. */
async function writeLongRun(dir: string, steps: number, validations: number): Promise<void> {
  const run = { ...defaultRun, steps, totalSteps: steps, validateEvery: steps / validations };
  await createRunFolder(dir, run);
  const picture = fileURLToPath(
    new URL("../../sample_data/tiny-bruce/train/001.jpg", import.meta.url),
  );
  const lines: string[] = [];
  for (const event of syntheticEvents(run)) {
    lines.push(JSON.stringify(event));
    if (event.event !== "validation-picture") continue;
    mkdirSync(dirname(join(dir, event.path)), { recursive: true });
    copyFileSync(picture, join(dir, event.path));
  }
  writeFileSync(join(dir, "events.jsonl"), `${lines.join("\n")}\n`);
}

/** Milliseconds from asking for the page until its curves, or its pictures, are painted. */
async function benchPage(steps = 100_000, validations = 200) {
  const folder = mkdtempSync(join(tmpdir(), "gnomic-bench-"));
  const browser = await launchChromium();
  try {
    await writeLongRun(join(folder, "long"), steps, validations);
    const bytes = statSync(join(folder, "long", "events.jsonl")).size;
    const monitor = await startMonitor(folder, { port: 0 });
    const page = await browser.newPage({ viewport: { width: 1360, height: 900 } });
    const opened = async (view: string, painted: string) => {
      const started = performance.now();
      await page.goto("about:blank");
      await page.goto(`${new URL(monitor.address).origin}/#/run/long/${view}`);
      await page.locator(painted).first().waitFor();
      await page.evaluate(() => new Promise((done) => requestAnimationFrame(done)));
      return performance.now() - started;
    };
    const started = performance.now();
    await page.goto(monitor.address);
    await page.locator(".chart canvas").first().waitFor();
    const overview = performance.now() - started;
    const pictures = await opened("pictures", ".film-cell img");
    const slider = page.getByRole("slider", { name: "step" });
    await slider.focus();
    const before = performance.now();
    for (let i = 0; i < 50; i++) await page.keyboard.press("ArrowLeft");
    const perStep = (performance.now() - before) / 50;
    const rows = await opened("rows", ".row-table");
    await monitor.close();
    return { bytes, overview, pictures, perStep, rows };
  } finally {
    await browser.close();
    rmSync(folder, { recursive: true });
  }
}

/** Both, printed. */
export async function benchLooking(print: (line: string) => void): Promise<void> {
  print(`event writer: ${(await benchEventWriter()).toFixed(3)} ms a step`);
  if (skipBrowser !== false) return print(`page: ${skipBrowser}`);
  const { bytes, overview, pictures, perStep, rows } = await benchPage();
  const ms = (value: number) => `${Math.round(value)} ms`;
  print(`page, 100 000 steps (${(bytes / 2 ** 20).toFixed(0)} MiB of events), 200 validations:`);
  print(`  curves ${ms(overview)} (first request), pictures ${ms(pictures)}, rows ${ms(rows)}`);
  print(`  slider ${ms(perStep)} a step`);
}
