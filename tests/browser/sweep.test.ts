/// <reference lib="dom" />
// A sweep on the page in a real browser: the leaderboard is that of `sweep show`, curves and pictures are
// those of its best, it follows the database while it is looked at, and texts of trials stay texts.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { type Monitor, startMonitor } from "../../observe/monitor/server/monitor.ts";
import { startChild } from "../../runtime/testing/child.ts";
import { doneAt, record, writeSyntheticSweep } from "../synthetic-sweep.ts";
import { openPage, skipBrowser, type watch } from "./chromium.ts";

const program = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
const screenshots = process.env.GNOMIC_SCREENSHOTS ?? join(tmpdir(), "gnomic-screenshots");
const markup = `<img src=x onerror="window.injected=1">`;

describe("a sweep in a browser", { skip: skipBrowser }, () => {
  const folder = mkdtempSync(join(tmpdir(), "gnomic-sweep-"));
  let monitor: Monitor;
  let browser: Browser;
  let page: Page;
  let seen: ReturnType<typeof watch>;

  const board = () =>
    page.locator(".board-table tbody tr").evaluateAll((rows) =>
      rows.map((row) => [
        row.querySelector("[data-label=rank]")!.textContent,
        row.querySelector("th")!.textContent,
        row.querySelector("[data-label=loss]")!.textContent,
        row.querySelector("[data-label=state]")!.textContent,
      ])
    );
  const ticked = () => page.locator(".board-table input:checked").count();

  before(async () => {
    mkdirSync(screenshots, { recursive: true });
    await writeSyntheticSweep(folder, {
      trials: 6,
      begun: 6,
      failed: { trial: 5, message: markup },
      overrides: (trial) => ({
        "optimizer.learning_rate": trial / 1000,
        initializer_token: trial === 6 ? "gnome" : markup,
      }),
    });
    monitor = await startMonitor(folder, { port: 0 });
    ({ browser, page, seen } = await openPage(monitor.address));
    await page.locator(".sweep-card").click();
    await page.locator(".board-table tbody tr").first().waitFor();
  });

  after(async () => {
    await browser?.close();
    await monitor?.close();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  test("the leaderboard is the one of `sweep show`", async () => {
    const child = startChild(program, ["sweep", "show", "rates", "--output", folder, "--json"]);
    const shown = JSON.parse(await child.line("{"));
    await child.ended;
    assert.deepEqual(
      await board(),
      shown.rows.map((
        { rank, trial, loss, state, overrides }: Record<string, any>,
      ) => [
        rank === null ? "–" : String(rank),
        `${trial}: optimizer.learning_rate=${
          overrides["optimizer.learning_rate"]
        } initializer_token=${overrides.initializer_token}`,
        loss === null ? "–" : loss.toFixed(5),
        state,
      ]),
    );
    assert.equal((await board())[0][3], "done");
  });

  test("curves of the best lie in one chart, each with its value; ticking adds and removes", async () => {
    const readings = page.locator(".wide").first().locator(".reading b");
    await page.waitForFunction(() => document.querySelectorAll(".wide .reading").length >= 8);
    assert.equal(await ticked(), 4);
    assert.equal(await readings.count(), 4);
    for (const text of await readings.allInnerTexts()) assert.match(text, /^0\.\d{5}$/);
    await page.getByLabel("show trial 3", { exact: true }).uncheck();
    await page.waitForFunction(() =>
      document.querySelector(".wide")!.querySelectorAll(".reading").length === 3
    );
    await page.getByRole("button", { name: "Show the best" }).click();
    await page.waitForFunction(() =>
      document.querySelector(".wide")!.querySelectorAll(".reading").length === 4
    );
  });

  test("pictures of the best are shown beside each other at one step", async () => {
    const pictures = () =>
      page.locator(".side-row").first().locator("img").evaluateAll((images) =>
        Promise.all(images.map(async (image) => {
          await (image as HTMLImageElement).decode();
          const found = /runs\/([^/]+)\/pictures\/(\d+)-0-0/.exec((image as HTMLImageElement).src)!;
          return [found[1], Number(found[2])];
        }))
      );
    const runs = [3, 2, 4, 1].map((trial) => `gnome_bruce-0000000${trial}`);
    assert.deepEqual(await pictures(), runs.map((run) => [run, 60]));
    const slider = page.getByRole("slider", { name: "step" });
    await slider.focus();
    await page.keyboard.press("Home");
    assert.deepEqual(await pictures(), runs.map((run) => [run, 0]));
    await page.keyboard.press("ArrowRight");
    assert.deepEqual(await pictures(), runs.map((run) => [run, 20]));
  });

  test("it follows the sweep while it is looked at", async () => {
    const row = page.locator(".board-table tbody tr", { hasText: "6: " });
    assert.match(await row.innerText(), /waiting/);
    await record(folder, "rates", 6, doneAt(60, 0.07));
    await page.locator(".board-table tbody tr.best", { hasText: "6: " }).waitFor();
    assert.match(await row.innerText(), /done/);
  });

  test("no text of a trial becomes markup, and nothing complains", async () => {
    await page.getByText(`: ${markup}`).first().waitFor();
    assert.equal(await page.evaluate(() => "injected" in globalThis), false);
    assert.equal(await page.locator("main img[src=x]").count(), 0);
    assert.deepEqual(seen.complaints, []);
    assert.deepEqual([...seen.hosts], [`127.0.0.1:${monitor.port}`]);
  });

  test("nothing overflows, wide, dark and on a phone", async () => {
    for (
      const [name, colorScheme, width] of [
        ["light", "light", 1360],
        ["dark", "dark", 1360],
        ["phone", "light", 390],
        ["phone-dark", "dark", 390],
      ] as const
    ) {
      await page.setViewportSize({ width, height: 844 });
      await page.emulateMedia({ colorScheme });
      for (const view of ["sweep", "runs"]) {
        await page.goto(`${new URL(monitor.address).origin}/#/${view}/rates`);
        await page.locator(view === "sweep" ? ".side-row img" : ".sweep-card").first().waitFor();
        const over = await page.evaluate(() =>
          document.documentElement.scrollWidth - document.documentElement.clientWidth
        );
        assert.ok(over <= 0, `${view} on ${name} is ${over} pixels too wide`);
        await page.screenshot({ path: join(screenshots, `${name}-${view}.png`), fullPage: true });
      }
    }
  });
});
