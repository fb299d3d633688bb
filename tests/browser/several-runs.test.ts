/// <reference lib="dom" />
// Several runs in one chart, the time that was worked and the axes, in a real browser. One of the runs was
// paused for a day in its middle, one measured nothing, and one was trained for both kinds of clients.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, before, describe, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { type Monitor, startMonitor } from "../../observe/monitor/server/monitor.ts";
import { following } from "../synthetic-events.ts";
import { writeSyntheticRun } from "../synthetic-run.ts";
import { openPage, skipBrowser, type watch } from "./chromium.ts";

const screenshots = process.env.GNOMIC_SCREENSHOTS ?? join(tmpdir(), "gnomic-screenshots");
const day = 86_400_000;

/** Puts a pause of a day behind step 30. */
function pauseFor(dir: string): void {
  const file = join(dir, "events.jsonl");
  const events = readFileSync(file, "utf8").trim().split("\n").map((line) => JSON.parse(line));
  const at = events.findIndex(({ event, step }) => event === "step" && step === 31);
  const [before, later] = [events.slice(0, at), events.slice(at)];
  const paused = { event: "run-paused", at: before.at(-1).at, step: 30 };
  const again = { ...events[0], at: paused.at + day, attempt: 2, step: 30 };
  const shifted = later.map((each) => ({ ...each, at: each.at + day }));
  const progress = [["optimise-embeddings", "steps", 31], ["validate", "pictures", 2]].map((
    [stage, unit, done],
  ) => ({ event: "stage-progress", at: again.at, stage, done, total: 60, unit }));
  const lines = [...before, paused, again, ...progress, ...shifted].map((each) =>
    JSON.stringify(each)
  );
  writeFileSync(file, `${lines.join("\n")}\n`);
}

describe("several runs in a browser", { skip: skipBrowser }, () => {
  const folder = mkdtempSync(join(tmpdir(), "gnomic-several-"));
  let monitor: Monitor;
  let browser: Browser;
  let page: Page;
  let seen: ReturnType<typeof watch>;
  const goTo = (path: string) => page.goto(`${new URL(monitor.address).origin}/#/run/${path}`);
  const readings = () =>
    page.locator(".wide").first().locator(".reading").evaluateAll((all) =>
      all.map((each) => [
        each.querySelector(".label")!.textContent,
        each.querySelector("b")!.textContent,
      ])
    );
  /** What the first chart's readout says of the axis at its end. */
  const place = () => page.locator(".chart .readout > .muted").first().innerText();

  before(async () => {
    mkdirSync(screenshots, { recursive: true });
    const run = { steps: 60, totalSteps: 60, validateEvery: 20, pictureSize: 32 };
    await writeSyntheticRun(join(folder, "one"), run, "one");
    await writeSyntheticRun(join(folder, "two"), { ...run, steps: 41, seed: 2 }, "two");
    await writeSyntheticRun(join(folder, "three"), { ...run, seed: 3 }, "three");
    const forBoth = { ...run, imagesPerPrompt: 2, forBoth: true };
    await writeSyntheticRun(join(folder, "both"), forBoth, "both");
    pauseFor(join(folder, "one"));
    await writeSyntheticRun(join(folder, "bare"), { ...run, steps: 0, prompts: [] }, "bare");
    const events = join(folder, "bare", "events.jsonl");
    const lines = readFileSync(events, "utf8").trim().split("\n")
      .filter((line) => !/"(fixed-loss|rows|validation-\w+)"/.test(line));
    const end = { event: "run-finished", at: 0, step: 0, seconds: 1, files: [], early: false };
    writeFileSync(events, `${[...lines, JSON.stringify(end)].join("\n")}\n`);
    monitor = await startMonitor(folder, { port: 0 });
    ({ browser, page, seen } = await openPage(monitor.address));
    await page.locator(".run-card").first().waitFor();
  });
  after(async () => {
    await browser?.close();
    await monitor?.close();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  test("compare names each run beside its value, also where only another has a point", async () => {
    await goTo("one/compare/two");
    await page.locator(".wide .reading").nth(1).waitFor();
    const both = await readings();
    assert.deepEqual(both.map(([name]) => name), ["one", "two"]);
    for (const [, value] of both) assert.match(value!, /^0\.\d{5}$/);
    // The shorter one says where it ended.
    await page.getByText("(step 41)").waitFor();
  });

  test("more than two runs lie in one chart, in the tables and side by side; the address keeps them", async () => {
    await page.getByRole("combobox", { name: "another run" }).selectOption({ label: "three" });
    await page.waitForFunction(() =>
      document.querySelector(".wide")!.querySelectorAll(".reading").length === 3
    );
    assert.deepEqual((await readings()).map(([name]) => name), ["one", "two", "three"]);
    assert.match(page.url(), /#\/run\/one\/compare\/two\/three$/);
    assert.equal(await page.locator(".compare thead th").count(), 4 * 2);
    assert.equal(await page.locator(".side-row").first().locator("img").count(), 3);
    await page.reload();
    await page.locator(".wide .reading").nth(2).waitFor();
    await page.getByRole("button", { name: "two" }).click();
    await page.waitForFunction(() =>
      document.querySelector(".wide")!.querySelectorAll(".reading").length === 2
    );
  });

  test("a day's pause is no work: time worked, time in all, and both axes", async () => {
    const times = await page.evaluate(() =>
      ["time worked", "time in all"].map((name) =>
        [...document.querySelectorAll(".compare tr")]
          .find((row) => row.querySelector("th")?.textContent === name)!
          .querySelector("code")!.textContent
      )
    );
    assert.match(times[0]!, /^1\d s$/);
    assert.equal(times[1], "24 h 00 min");
    await goTo("one/overview");
    await page.locator(".chart canvas").first().waitFor();
    assert.equal(await place(), "step 60");
    const axis = page.getByRole("combobox", { name: "axis" });
    await axis.selectOption("time worked");
    assert.match(await place(), /^after 0:1\d$/);
    await axis.selectOption("clock");
    assert.match(await place(), /^6 Jan/);
    await axis.selectOption("steps");
    await page.getByText("24 h 00 min in all").waitFor();
  });

  test("seven figures stand in one row", async () => {
    const tops = await page.locator(".figures.seven > div").evaluateAll((all) =>
      all.map((each) => each.getBoundingClientRect().top)
    );
    assert.equal(tops.length, 7);
    assert.equal(new Set(tops).size, 1);
  });

  test("for both kinds of clients: loss and F of each, and pictures side by side, with the programs", async () => {
    const programs = ["InvokeAI, diffusers", "ComfyUI, A1111, Forge"];
    await goTo("both/overview");
    await page.locator(".figures.small > div").nth(3).waitFor();
    const figures = await page.locator(".figures.small > div").evaluateAll((all) =>
      all.map((each) => [...each.children].map(({ textContent }) => textContent))
    );
    assert.deepEqual(figures.map(([label]) => label), [
      ...["Fixed loss now", "Fixed loss now"],
      ...["Prompt following F", "Prompt following F"],
    ]);
    assert.deepEqual(figures.slice(0, 2).map(([, , note]) => note), programs.map((p) => `in ${p}`));
    assert.notEqual(figures[0][1], figures[1][1]);
    assert.deepEqual(
      figures.slice(2).map(([, ...said]) => said),
      following.map(({ mean, error }, i) => [`${mean}`, `± ${error} in ${programs[i]}`]),
    );
    await goTo("both/pictures");
    const prompt = page.locator("figure.prompt").first();
    await prompt.locator(".whose").nth(1).waitFor();
    assert.deepEqual(await prompt.locator(".whose").allInnerTexts(), programs);
    const tops = await prompt.locator("img").evaluateAll((all) =>
      all.map((each) => each.getBoundingClientRect().top)
    );
    assert.deepEqual([tops.length, new Set(tops).size], [2, 1]);
  });

  test("a stage beside the training counts what it drew, not how long it waited", async () => {
    await goTo("one/stages");
    const time = (stage: string) =>
      page.locator(".stage-card", { has: page.getByText(stage, { exact: true }) })
        .locator(".stage-time").innerText();
    await page.locator(".stage-card").first().waitFor();
    assert.equal(await time("checkpoint"), "beside the training");
    // Four validations of two pictures, 0.05 seconds each.
    assert.equal(await time("validate"), "0.40 s of work beside the training");
    assert.match(await time("optimise-embeddings"), /^1\d s$/);
  });

  test("a finished run is not waited for: nothing says yet", async () => {
    for (const view of ["overview", "pictures", "rows", "compare/one"]) {
      await goTo(`bare/${view}`);
      await page.locator("main > div").waitFor();
      if (view === "compare/one") await page.locator(".wide .reading").nth(1).waitFor();
      assert.doesNotMatch(await page.locator("main").innerText(), /\byet\b/, view);
    }
    await goTo("bare/overview");
    await page.getByText("not measured").waitFor();
    const how = page.getByText("Drag across a curve");
    await how.waitFor({ state: "hidden" }); // there is none
    await goTo("one/overview");
    await how.waitFor();
  });

  test("no view scrolls sideways at 390 pixels, in light and dark", async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    const views = ["overview", "pictures", "rows", "stages", "configuration", "compare/two/three"];
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      for (const view of views) {
        await goTo(`one/${view}`);
        await page.locator("main > div").waitFor();
        if (view.startsWith("compare")) await page.locator(".side-row img").first().waitFor();
        const over = await page.evaluate(() =>
          document.documentElement.scrollWidth - document.documentElement.clientWidth
        );
        assert.ok(over <= 0, `${view}, ${colorScheme}: ${over} pixels too wide`);
        const name = `several-${colorScheme}-${view.split("/")[0]}.png`;
        await page.screenshot({ path: join(screenshots, name), fullPage: true });
      }
    }
    assert.deepEqual(seen.complaints, []);
  });
});
