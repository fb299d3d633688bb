/// <reference lib="dom" />
// The list of runs in a real browser: searched, sorted, and the same cards as long as nothing changes.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { type Monitor, startMonitor } from "../../observe/monitor/server/monitor.ts";
import { writeSyntheticRun } from "../synthetic-run.ts";
import { openPage, skipBrowser } from "./chromium.ts";

describe("the list of runs in a browser", { skip: skipBrowser }, () => {
  const folder = mkdtempSync(join(tmpdir(), "gnomic-list-"));
  let monitor: Monitor;
  let browser: Browser;
  let page: Page;
  const names = () => page.locator(".run-card b").allInnerTexts();

  before(async () => {
    // The loss falls with the part of the steps that are done; "beta" is the longest.
    const runs = [["alpha-10", 20, 60], ["alpha-9", 60, 60], ["beta", 80, 300]] as const;
    for (const [name, steps, totalSteps] of runs) {
      const run = { steps, totalSteps, validateEvery: 1000, prompts: [] };
      await writeSyntheticRun(join(folder, name), run, name);
    }
    monitor = await startMonitor(folder, { port: 0 });
    ({ browser, page } = await openPage(monitor.address));
    await page.locator(".run-card").first().waitFor();
  });
  after(async () => {
    await browser?.close();
    await monitor?.close();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  test("typing filters by name and state, all words at once", async () => {
    const search = page.getByRole("searchbox", { name: "search runs" });
    await search.fill("ALPHA");
    assert.deepEqual((await names()).toSorted(), ["alpha-10", "alpha-9"]);
    await page.getByText("2 of 3 runs").waitFor();
    await search.fill("alpha finished");
    assert.deepEqual(await names(), ["alpha-9"]);
    await search.fill("nothing");
    await page.getByText("No run is called so.").waitFor();
    await search.fill("");
    assert.equal((await names()).length, 3);
  });

  test("it is sorted by what is chosen, and stays so for who comes back", async () => {
    const order = page.getByRole("combobox", { name: "sort runs" });
    await order.selectOption("by name");
    assert.deepEqual(await names(), ["alpha-9", "alpha-10", "beta"]);
    await order.selectOption("most steps");
    assert.deepEqual(await names(), ["beta", "alpha-9", "alpha-10"]);
    await order.selectOption("lowest fixed loss");
    const losses = (await page.locator(".run-card p:last-child").allInnerTexts())
      .map((text) => Number(/loss (\S+)/.exec(text)![1]));
    assert.deepEqual(losses, losses.toSorted((a, b) => a - b));
    await page.locator(".run-card").first().click();
    await page.locator(".chart").first().waitFor();
    await page.locator(".brand").click();
    await page.locator(".run-card").first().waitFor();
    assert.equal(await order.inputValue(), "lowest fixed loss");
  });

  test("a card stays the same element while nothing changes", async () => {
    await page.locator(".run-card").first().evaluate((card) => (card as any).marked = true);
    const asked = page.waitForResponse(/api\/runs$/);
    await asked;
    await page.waitForResponse(/api\/runs$/);
    const marked = await page.locator(".run-card").first().evaluate((card) => (card as any).marked);
    assert.equal(marked, true);
  });
});
