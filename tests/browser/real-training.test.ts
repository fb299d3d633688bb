// The page during a real training by the program itself (`--monitor`): it grows, and its buttons do what
// they say to a training that knows nothing of browsers.
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import type { RunEvent, RunEventOf } from "../../inversion/events.ts";
import { eventsOf, runIn, start, trainingIn } from "../end-to-end/project.ts";
import { launchChromium, skipBrowser, until, watch } from "./chromium.ts";

const over = {
  max_train_steps: 5000,
  save_every_n_steps: 2000,
  validate_every_n_steps: 2000,
  fixed_loss_every: 5,
};

describe("the page of a real training", { skip: skipBrowser }, () => {
  const folder = mkdtempSync(join(tmpdir(), "gnomic-real-"));
  after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));

  test("grows, saves, validates, notes a choice and stops", async () => {
    const training = start([...trainingIn(folder, over), "--monitor"]);
    const browser = await launchChromium();
    try {
      const address = (await training.line("Open http://")).replace("Open ", "");
      const page = await browser.newPage({ viewport: { width: 1360, height: 900 } });
      const { complaints } = watch(page);
      page.setDefaultTimeout(60_000);
      await page.goto(address);
      await page.locator(".status.running").waitFor();

      const runDir = runIn(folder);
      const all = <Tag extends RunEvent["event"]>(tag: Tag) =>
        eventsOf(runDir).filter((event): event is RunEventOf<Tag> & RunEvent =>
          event.event === tag
        );
      const summary = page.locator(".summary");
      const step = async () => Number(/step ([\d,]+) of/.exec(await summary.innerText())?.[1]);
      const first = await step();
      await until(async () => await step() >= first + 10);

      await page.getByRole("button", { name: "Save now" }).click();
      await page.getByText(/Checkpoint of step \d+ is saved/).waitFor();
      const saved = all("checkpoint").find(({ best }) => !best);
      assert.ok(saved !== undefined && existsSync(join(runDir, saved.path)));

      await page.getByRole("button", { name: "Validate …" }).click();
      await page.locator("dialog textarea").first().fill("bruce_the_gnome on <b>the moon</b>");
      await page.getByRole("button", { name: "Draw" }).click();
      await page.getByText(/The pictures of step \d+ are there/).waitFor();
      const drawn = all("validation-picture").at(-2);
      assert.equal(drawn?.text, "bruce_the_gnome on <b>the moon</b>");

      const [run] = await page.evaluate(() => fetch("/api/runs").then((answer) => answer.json()));
      await page.evaluate(
        async ([id, step]) => {
          const server = "/server.js";
          const { steer } = await import(server);
          await steer(id, { request: "choose", step });
        },
        [run.id, saved.step] as const,
      );
      await until(() => all("chosen").length > 0);
      assert.deepEqual(all("chosen").map(({ path }) => path), [saved.path]);

      await page.goto(`${new URL(address).origin}/#/run/${run.id}/pictures`);
      await page.getByLabel(`step ${drawn?.step}: ${drawn?.text}`).waitFor();
      assert.equal(await page.locator(".training img").count(), 4);

      await page.getByRole("button", { name: "Stop …" }).click();
      await page.getByRole("button", { name: "Stop", exact: true }).click();
      const { code } = await training.ended;
      assert.equal(code, 130);
      assert.equal(all("run-stopped").length, 1);
      assert.ok(existsSync(join(runDir, "report.html")));
      assert.ok(existsSync(join(runDir, "validation", "sheet.jpg")));
      assert.deepEqual(complaints.filter((each) => !each.includes("net::ERR_")), []);
    } finally {
      await browser.close();
      training.process.kill("SIGKILL");
      await training.ended;
    }
  });
});
