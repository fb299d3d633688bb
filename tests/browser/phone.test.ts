/// <reference lib="dom" />
// A phone 360 pixels wide, and a run whose name is as long as a file's may be: no view is wider than the screen.
import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { type Monitor, startMonitor } from "../../observe/monitor/server/monitor.ts";
import { renderReport } from "../../observe/report/report.ts";
import { writeSyntheticRun } from "../synthetic-run.ts";
import { openPage, skipBrowser } from "./chromium.ts";

describe("a long name on a phone", { skip: skipBrowser }, () => {
  const folder = mkdtempSync(join(tmpdir(), "gnomic-phone-"));
  const name = "a_name_without_end_".repeat(12).slice(0, 200);
  let monitor: Monitor;
  let browser: Browser;
  let page: Page;

  before(async () => {
    const run = { steps: 12, totalSteps: 12, validateEvery: 6, pictureSize: 32 };
    await writeSyntheticRun(join(folder, name), run, name);
    await writeSyntheticRun(join(folder, "short"), { ...run, seed: 2 }, "short");
    await writeSyntheticRun(join(folder, "failed"), { ...run, steps: 6 }, "failed");
    const error = "ingest: wanted a folder with pictures, found no such folder. Correct the path.";
    const end = { event: "run-failed", at: 0, step: 6, error };
    appendFileSync(join(folder, "failed", "events.jsonl"), `${JSON.stringify(end)}\n`);
    monitor = await startMonitor(folder, { port: 0 });
    ({ browser, page } = await openPage(monitor.address));
    await page.setViewportSize({ width: 360, height: 780 });
  });
  after(async () => {
    await browser?.close();
    await monitor?.close();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  const fits = async (what: string) => {
    const over = await page.evaluate(() =>
      document.documentElement.scrollWidth - document.documentElement.clientWidth
    );
    assert.ok(over <= 0, `${what} is ${over} pixels too wide`);
  };

  test("the list", async () => {
    await page.locator(".run-card").nth(1).waitFor();
    await fits("the list");
  });

  test("every view of the run, and another's comparison with it", async () => {
    const origin = new URL(page.url()).origin;
    for (const view of ["overview", "pictures", "rows", "stages", "configuration"]) {
      await page.goto(`${origin}/#/run/${name}/${view}`);
      await page.locator(`nav [aria-current][href$="${view}"]`).waitFor();
      await fits(view);
    }
    await page.goto(`${origin}/#/run/failed/overview`);
    await page.getByText("This run failed: ingest: wanted a folder with pictures").waitFor();
    await fits("a failed run");
    for (const [one, other] of [["short", name], [name, "short"]]) {
      await page.goto(`${origin}/#/run/${one}/compare/${other}`);
      await page.locator(".wide .reading").nth(3).waitFor();
      await fits(`compare ${one.slice(0, 9)}`);
    }
  });

  test("the report, whose short cells stay on their line", async () => {
    await page.goto("about:blank"); // the monitor's own policy would forbid its style
    await page.setContent(await renderReport(join(folder, name)));
    await fits("the report");
    for (const width of [360, 1280]) {
      await page.setViewportSize({ width, height: 780 });
      const broken = await page.locator("td:nth-child(2):not(:has(code))").evaluateAll((cells) =>
        cells.flatMap((cell) => {
          const words = document.createRange();
          words.selectNodeContents(cell);
          const lines = new Set([...words.getClientRects()].map(({ top }) => top));
          return lines.size > 1 ? [cell.textContent] : [];
        })
      );
      assert.deepEqual(broken, [], `at ${width} pixels`);
    }
  });
});
