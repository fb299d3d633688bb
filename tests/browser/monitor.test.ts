/// <reference lib="dom" />
// The monitor's page in a real browser over a run that goes on: curves grow, the slider changes
// pictures, buttons act, a dropped connection comes back without a lost event, nothing complains.
// Screenshots for people go to GNOMIC_SCREENSHOTS, or to a folder in the system's temporary one.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { type Monitor, startMonitor } from "../../observe/monitor/server/monitor.ts";
import { trainingCodec } from "../../inversion/event-kinds.ts";
import { parseEvents } from "../../runtime/run-folder/event-log.ts";
import { type Child, startChild } from "../../runtime/testing/child.ts";
import { checkpointPath } from "../synthetic-events.ts";
import { writeSyntheticRun } from "../synthetic-run.ts";
import { type BreakableLine, breakableLine } from "./breakable-line.ts";
import { launchChromium, skipBrowser, until, watch } from "./chromium.ts";

const program = fileURLToPath(new URL("../synthetic-training.ts", import.meta.url));
const serving = fileURLToPath(new URL("./serve-monitor.ts", import.meta.url));
const options = { steps: 100_000, totalSteps: 100_000, validateEvery: 15, pictureSize: 64 };
/** The server listens here, so that the line to it can be broken. */
const farHost = "127.0.0.2";
const markup = `<img src=x onerror="window.injected=1"> </script><b>gnome</b>`;
const screenshots = process.env.GNOMIC_SCREENSHOTS ?? join(tmpdir(), "gnomic-screenshots");

describe("the monitor in a browser", { skip: skipBrowser }, () => {
  const folder = mkdtempSync(join(tmpdir(), "gnomic-browser-"));
  const live = join(folder, "live");
  let training: Child;
  let monitor: Monitor;
  let line: BreakableLine;
  let origin: string;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let seen: ReturnType<typeof watch>;

  const events = () =>
    parseEvents(readFileSync(join(live, "events.jsonl"), "utf8"), trainingCodec).events;
  const lastStep = () => events().findLast(({ event }) => event === "step") as { step: number };
  const goTo = (view: string, run = "live") => page.goto(`${origin}/#/run/${run}/${view}`);
  const button = (name: string) => page.getByRole("button", { name });
  const shownStep = async () =>
    Number(
      /step ([\d,]+) of/.exec(await page.locator(".summary").innerText())![1].replace(",", ""),
    );

  before(async () => {
    mkdirSync(screenshots, { recursive: true });
    await writeSyntheticRun(
      join(folder, "finished"),
      { steps: 60, totalSteps: 60, validateEvery: 20, pictureSize: 128, seed: 2 },
      "finished",
    );
    training = startChild(program, [live, JSON.stringify(options), "50"]);
    // A folder with one run shows that run, not the list.
    await until(() => existsSync(join(live, "events.jsonl")) && lastStep() !== undefined);
    monitor = await startMonitor(folder, { host: farHost, port: 0 });
    line = await breakableLine(farHost, monitor.port);
    origin = `http://127.0.0.1:${monitor.port}`;
    browser = await launchChromium();
    context = await browser.newContext({ viewport: { width: 1360, height: 900 } });
    page = await context.newPage();
    page.setDefaultTimeout(60_000); // other suites run beside this one
    seen = watch(page);
    await page.addInitScript(() => {
      const received: number[] = [];
      Object.assign(globalThis, { received });
      const Original = EventSource;
      Object.assign(globalThis, {
        EventSource: class extends Original {
          constructor(url: string) {
            super(url);
            this.addEventListener("message", ({ data }) => {
              const event = JSON.parse(data);
              if (event.event === "step") received.push(event.step);
            });
          }
        },
      });
    });
    await page.goto(monitor.address.replace(farHost, "127.0.0.1"));
    await page.locator(".run-card").first().waitFor();
  });

  after(async () => {
    await browser?.close();
    await line?.close();
    await monitor?.close();
    training?.process.kill("SIGKILL");
    await training?.ended;
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  test("all runs are listed, the running one first, and the key is out of the address", async () => {
    assert.equal(page.url().includes("token"), false);
    const statuses = await page.locator(".run-card .status").allInnerTexts();
    assert.deepEqual(statuses, ["training", "finished"]);
    await page.locator(".run-card").first().click();
    await page.locator(".chart canvas").first().waitFor();
  });

  test("curves grow while the training goes on", async () => {
    const reading = () => page.locator(".chart").first().locator(".readout").innerText();
    const stepIn = (text: string) => Number(/step ([\d,]+)/.exec(text)![1].replace(",", ""));
    const first = stepIn(await reading());
    await page.waitForFunction(
      (first) => {
        const text = document.querySelector(".chart .readout")?.textContent ?? "";
        return Number(/step ([\d,]+)/.exec(text)?.[1].replace(",", "")) >= first + 20;
      },
      first,
    );
    const painted = await page.locator(".chart canvas").first().evaluate((canvas) => {
      const { width, height } = canvas as HTMLCanvasElement;
      const pixels = (canvas as HTMLCanvasElement).getContext("2d")!
        .getImageData(0, 0, width, height).data;
      return pixels.filter((value, i) => i % 4 === 3 && value > 0).length;
    });
    assert.ok(painted > 500);
    assert.equal(await page.locator(".chart").count(), 7);
  });

  test("the slider and the keys change the pictures", async () => {
    await goTo("pictures");
    await page.waitForFunction(() => document.querySelectorAll(".film-column").length >= 3);
    const slider = page.getByRole("slider", { name: "step" });
    await slider.focus();
    await page.keyboard.press("Home");
    // Live pictures may take this one's place while it is looked at.
    const shown = () =>
      page.locator(".picture img").first().evaluate(async (image) => {
        await (image as HTMLImageElement).decode();
        const { src, naturalWidth } = image as HTMLImageElement;
        return { step: Number(/pictures\/(\d+)-/.exec(src)![1]), naturalWidth };
      }).catch(() => null);
    const shows = (step: number) =>
      until(async () => {
        const found = await shown();
        return found?.step === step && found.naturalWidth === 64;
      });
    await shows(0);
    await page.keyboard.press("ArrowRight");
    await shows(15);
    await page.locator(".film-cell").nth(5).click();
    await shows(30);
    await page.locator(".typed").fill("14");
    await page.locator(".typed").press("Enter");
    await shows(15);
    await page.locator(".facts").click();
    await page.keyboard.press("ArrowLeft");
    await shows(0);
    assert.equal(await page.locator(".training img").count(), 4);
  });

  test("a picture opens at full size and is wiped against an earlier one", async () => {
    await page.keyboard.press("Enter");
    const box = page.locator("dialog.lightbox");
    await box.waitFor();
    await page.keyboard.press("ArrowRight");
    await box.getByText("Step 15", { exact: true }).waitFor();
    await box.getByRole("slider").fill("50");
    const clip = await box.locator(".then").evaluate((image) => getComputedStyle(image).clipPath);
    assert.match(clip, /inset\(0(px|%)? 50%/);
    await page.keyboard.press("Escape");
    await box.waitFor({ state: "detached" });
  });

  test("save now makes a checkpoint", async () => {
    // Of this step, where the training has not looked for requests yet since it ended.
    const before = await shownStep();
    await button("Save now").click();
    const said = page.locator(".toast", { hasText: "is saved" }).first();
    await said.waitFor();
    await page.waitForFunction(
      (before) =>
        [...document.querySelectorAll(".toast")].some((toast) =>
          Number(/step (\d+) is saved/.exec(toast.textContent ?? "")?.[1]) >= before
        ),
      before,
    );
    const step = (await page.locator(".toast").allInnerTexts())
      .map((text) => Number(/step (\d+) is saved/.exec(text)?.[1]))
      .find((each) => each >= before && existsSync(join(live, checkpointPath(each))));
    assert.ok(step !== undefined);
  });

  test("validate now draws an edited prompt, which stays text", async () => {
    await button("Validate …").click();
    const fields = page.locator("dialog textarea");
    await fields.first().fill(markup);
    await button("Draw").click();
    await page.waitForFunction(
      (markup) =>
        [...document.querySelectorAll<HTMLElement>(".film-cell")]
          .some((cell) => cell.getAttribute("aria-label")?.endsWith(markup)),
      markup,
    );
    const asked = events().find((event) =>
      event.event === "validation-picture" && event.text === markup
    );
    assert.ok(asked !== undefined);
    await goTo("overview");
    await page.locator(".figures.seven").waitFor();
    assert.equal(await page.evaluate(() => "injected" in globalThis), false);
  });

  test("a checkpoint is marked as chosen and its path copied", async () => {
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    await goTo("pictures/15");
    await page.locator(".facts").click();
    await page.keyboard.press("m");
    await page.locator(".tag.chosen").waitFor();
    await page.keyboard.press("c");
    await page.getByText("is copied").waitFor();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    assert.equal(copied, join(live, checkpointPath(15)));
  });

  test("a dropped connection comes back and no event is lost", async () => {
    assert.deepEqual(seen.complaints, []);
    line.cut();
    await page.locator(".lost:visible").waitFor();
    const gap = lastStep().step;
    await until(() => lastStep().step >= gap + 30);
    line.mend();
    await page.locator(".lost").waitFor({ state: "hidden" });
    await page.waitForFunction(
      (gap) => (globalThis as unknown as { received: number[] }).received.at(-1)! > gap + 40,
      gap,
    );
    const received = await page.evaluate(() =>
      (globalThis as unknown as { received: number[] }).received
    );
    assert.deepEqual(received, received.map((_, i) => received[0] + i));
    for (const complaint of seen.complaints.splice(0)) {
      assert.match(complaint, /net::ERR_/);
    }
  });

  test("every view works in light, dark and on a phone; nothing overflows", async () => {
    const views = ["overview", "pictures", "rows", "stages", "configuration", "compare"];
    const sizes = { wide: { width: 1360, height: 900 }, phone: { width: 390, height: 844 } };
    for (
      const [name, scheme, size] of [
        ["light", "light", sizes.wide],
        ["dark", "dark", sizes.wide],
        ["phone", "light", sizes.phone],
      ] as const
    ) {
      await page.setViewportSize(size);
      await page.emulateMedia({ colorScheme: scheme });
      for (const view of views) {
        await goTo(view, "finished");
        await page.locator("nav [aria-current]").waitFor();
        await page.locator("main > div").waitFor();
        await page.waitForFunction(() =>
          [...document.images].every(({ loading, complete }) => loading === "lazy" || complete)
        );
        const over = await page.evaluate(() =>
          document.documentElement.scrollWidth - document.documentElement.clientWidth
        );
        assert.ok(over <= 0, `${view} on ${name} is ${over} pixels too wide`);
        await page.screenshot({ path: join(screenshots, `${name}-${view}.png`), fullPage: true });
      }
    }
    await page.setViewportSize(sizes.wide);
    await page.emulateMedia({ colorScheme: "light" });
    await goTo("configuration", "finished");
    await page.getByText("num_vectors").waitFor();
    await goTo("rows", "finished");
    assert.equal(await page.locator(".row-table tbody tr").count(), 8);
    await goTo("compare/live", "finished");
    await page.getByText(/do not compare with this run's: .*: seed 2 against 1\./).waitFor();
    await page.getByText("What differs in the configuration").waitFor();
    await page.getByRole("rowheader", { name: "max_train_steps" }).waitFor();
  });

  test("the report opens from the page", async () => {
    const report = await context.newPage();
    const inReport = watch(report);
    await report.goto(`${origin}/api/runs/finished/report.html`);
    await report.getByRole("slider").fill("0");
    await report.getByRole("heading", { name: "Step 0" }).waitFor();
    assert.deepEqual(inReport.complaints, []);
    await report.screenshot({ path: join(screenshots, "report.png"), fullPage: true });
    await report.close();
  });

  test("a training whose page's server dies is not disturbed", async () => {
    const step = lastStep().step;
    const server = startChild(serving, [folder]);
    const address = await server.line("http://");
    const other = await context.newPage();
    await other.goto(address);
    await other.locator(".run-card").first().waitFor();
    server.process.kill("SIGKILL");
    await server.ended;
    await other.close();
    await until(() => lastStep().step >= step + 20);
  });

  test("stop asks first, then stops after the step", async () => {
    await goTo("overview");
    await button("Stop …").click();
    await page.getByRole("button", { name: "Stop", exact: true }).click();
    await page.locator(".status.stopped").waitFor();
    await training.ended;
    assert.equal(await shownStep(), lastStep().step);
    assert.equal(await button("Save now").isDisabled(), true);
    assert.equal(events().at(-1)?.event, "run-stopped");
  });

  test("nothing complained, and nothing was asked of another host", () => {
    assert.deepEqual(seen.complaints, []);
    assert.deepEqual([...seen.hosts], [new URL(origin).host]);
  });
});
