// The report and the contact sheet of a run, read back: the report loads nothing and holds no markup of
// the run's texts; the sheet's cells hold the pictures they should.
import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import sharp from "sharp";
import {
  checkpointPath,
  defaultRun,
  following,
  picturePath,
  syntheticEvents,
  underBoth,
} from "../../tests/synthetic-events.ts";
import { writeSyntheticRun } from "../../tests/synthetic-run.ts";
import { newRunReader } from "../reading/run-reader.ts";
import { writeContactSheet } from "./contact-sheet.ts";
import { curveSvg, ticks } from "./curve-svg.ts";
import { escape, html } from "./html.ts";
import { reportObserver } from "./report-observer.ts";
import { renderReport, writeReport } from "./report.ts";
import { spreadSteps } from "./spread-steps.ts";

const scratch = mkdtempSync(join(tmpdir(), "gnomic-report-"));
after(() => rmSync(scratch, { recursive: true }));

const hostile =
  `</title></style><script>alert("x")</script><img src=x onerror=alert(1)> & 'q' \u0000`;
const run = {
  ...defaultRun,
  steps: 20,
  totalSteps: 20,
  validateEvery: 10,
  pictureSize: 40,
  prompts: ["a photo of gnome_bruce", hostile],
};
const dir = join(scratch, "gnome_bruce-12345678");
await writeSyntheticRun(dir, run, hostile);
const say = (event: unknown) =>
  appendFileSync(join(dir, "events.jsonl"), `${JSON.stringify(event)}\n`);
say({ event: "chosen", at: 1, step: 10, path: checkpointPath(10) });
say({ event: "warning", at: 1, text: hostile });
const page = readFileSync(await writeReport(dir), "utf8");

test("the report is one file that loads nothing", () => {
  const tags = [...page.matchAll(/<[a-z][^>]*>/gi)].map(([tag]) =>
    tag.replaceAll(/(?:alt|title)="[^"]*"/g, "")
  );
  const addresses = tags.flatMap((tag) => [
    ...tag.matchAll(/\b(?:src|srcset|href|action|data|poster)\s*=\s*["']?([^"'\s>]+)/g),
  ]);
  assert.ok(addresses.length >= 6);
  for (const [, address] of addresses) assert.match(address, /^data:image\/jpeg;base64,/);
  assert.doesNotMatch(page, /@import|url\(|https?:\/\/(?!www\.w3\.org)/);
  assert.match(page, /http-equiv="Content-Security-Policy" content="default-src &#39;none&#39;/);
});

test("texts of the run are texts in the report", () => {
  assert.equal(page.includes("<script>alert"), false);
  assert.equal(page.includes("<img src=x"), false);
  assert.equal(page.split("<script>").length, 2);
  assert.equal(page.split("</title>").length, 2);
  assert.ok(page.includes("&#60;script&#62;alert(&#34;x&#34;)"));
});

test("numbers, curves, pictures and configuration are in it", () => {
  const events = [...syntheticEvents(run)];
  const losses = events.flatMap((each) => each.event === "fixed-loss" ? [each.loss] : []);
  for (const loss of [losses[0], Math.min(...losses)]) assert.ok(page.includes(loss.toFixed(5)));
  assert.equal([...page.matchAll(/<div class="step[ "]/g)].length, 3);
  const titles = [...page.matchAll(/class="chart-title">([^<]*)</g)].map(([, title]) => title);
  assert.deepEqual(titles, [
    ...["Loss", "Fixed loss", "Learning rate", "Gradient norm", "Gradient share of CLIP-L"],
    ...["Time per step", "Memory, GiB", "Norm, clip_l", "Cosine to the initial rows, clip_l"],
    ...["Norm, clip_g", "Cosine to the initial rows, clip_g"],
  ]);
  assert.match(page, /Step 10\s*<span class="tag chosen">chosen/);
  assert.match(
    page,
    /<code>num_vectors<\/code>\s*<\/td>\s*<td>\s*<code>4<\/code>\s*<\/td>\s*<td>\s*<code>1</,
  );
  assert.equal(page.includes(scratch), false);
});

test("the report's pictures are the run's", async () => {
  const [, first] = /Step 20.*?src="data:image\/jpeg;base64,([^"]+)"/s.exec(page) ?? [];
  const shown = await sharp(Buffer.from(first, "base64")).raw().toBuffer();
  const original = await sharp(join(dir, picturePath(20, 0, 0))).raw().toBuffer();
  const difference = shown.reduce((sum, value, i) => sum + Math.abs(value - original[i]), 0);
  assert.ok(difference / shown.length < 8, `${difference / shown.length}`);
});

test("a training for both kinds of clients: its loss, F and pictures under each, with the programs", async () => {
  const both = join(scratch, "both");
  const run = { steps: 10, totalSteps: 10, validateEvery: 10, pictureSize: 16, imagesPerPrompt: 2 };
  await writeSyntheticRun(both, { ...run, prompts: ["a gnome_bruce"], forBoth: true });
  const page = await renderReport(both);
  const figure = (name: string) =>
    new RegExp(`<dt>${name}</dt>\\s*<dd>([^<]*)</dd>`).exec(page)?.[1];
  const events = [...syntheticEvents({ ...defaultRun, ...run, forBoth: true })];
  const last = events.findLast((each) => each.event === "fixed-loss")!.loss;
  const programs = ["InvokeAI, diffusers", "ComfyUI, A1111, Forge"];
  for (const [i, loss] of Object.values(underBoth(last)).entries()) {
    assert.equal(figure(`At the end, in ${programs[i]}`), loss.toFixed(5));
    assert.equal(
      figure(`Prompt following F, in ${programs[i]}`),
      `${following[i].mean} ± ${following[i].error}, 0 is the word&#39;s own`,
    );
  }
  const captions = programs.map((each) => `a gnome_bruce (as ${each})`).join(" · ");
  assert.ok(page.includes(`<figcaption>${captions}</figcaption>`));
});

test("a run that has just begun has a report too", async () => {
  const young = join(scratch, "young");
  await writeSyntheticRun(young, { ...run, steps: 0 }, "young");
  await rm(join(young, "run.json"));
  await rm(join(young, "validation"), { recursive: true });
  assert.match(await renderReport(young), /Variance ratio/);
});

test("each cell of the contact sheet is its prompt's picture of its step", async () => {
  const { state } = await newRunReader(dir).read();
  const sheet = await writeContactSheet(dir, state) as string;
  const cell = 256;
  const left = 18 + 190;
  const top = 18 + 26;
  for (const [row] of run.prompts.entries()) {
    for (const [column, step] of [0, 10, 20].entries()) {
      const region = {
        left: left + column * (cell + 6),
        top: top + row * (cell + 6),
        width: cell,
        height: cell,
      };
      const shown = await sharp(sheet).extract(region).raw().toBuffer();
      const original = await sharp(join(dir, picturePath(step, row, 0))).resize(cell, cell).raw()
        .toBuffer();
      const difference = shown.reduce((sum, value, i) => sum + Math.abs(value - original[i]), 0);
      assert.ok(difference / shown.length < 6, `${row} ${step}: ${difference / shown.length}`);
    }
  }
});

test("the observer writes the sheet after a validation and the report at the end", async () => {
  const live = join(scratch, "live");
  await writeSyntheticRun(live, { ...run, steps: 10 }, "live");
  const observer = reportObserver(live);
  const last = [...syntheticEvents({ ...run, steps: 10 })].at(-1)!;
  await observer.onEvent(last);
  assert.equal(last.event, "validation-finished");
  assert.ok(readFileSync(join(live, "validation", "sheet.jpg")).length > 1000);
  await observer.close();
  assert.match(readFileSync(join(live, "report.html"), "utf8"), /Step 10/);
});

test("escaped text never holds a sign that means something in HTML", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    assert.doesNotMatch(escape(text), /[<>"']|&(?!#\d+;)/);
    assert.equal(html`<p>${text}</p>`.html, `<p>${escape(text)}</p>`);
  }));
});

test("spread keeps the ends and what is asked for, and no more than allowed", () => {
  const steps = fc.uniqueArray(fc.nat(9999), { minLength: 1, maxLength: 300 })
    .map((list) => list.sort((a, b) => a - b));
  fc.assert(fc.property(steps, fc.integer({ min: 4, max: 50 }), fc.nat(), (list, most, pick) => {
    const wanted = list[pick % list.length];
    const shown = spreadSteps(list, most, [wanted, undefined, -1]);
    assert.ok(shown.length <= Math.max(most, 0) || shown.length === list.length);
    assert.ok(shown.length >= Math.min(list.length, most) - 1);
    assert.deepEqual([shown[0], shown.at(-1)], [list[0], list.at(-1)]);
    assert.ok(shown.includes(wanted));
    assert.deepEqual([...shown].sort((a, b) => a - b), shown);
    assert.ok(shown.every((step) => list.includes(step)));
  }));
});

test("a curve goes through its points, and gaps stay gaps", () => {
  const chart = { title: "t", format: String, fromZero: true };
  const drawn = curveSvg({
    ...chart,
    curves: [{ colour: "accent", label: "a", x: [0, 1, 2, 3], y: [0, NaN, 1, 2] }],
  })!.html;
  const [, path] = / d="([^"]+)"/.exec(drawn) ?? [];
  const points = [...path.matchAll(/([ML])([\d.]+) ([\d.]+)/g)];
  assert.deepEqual(points.map(([, command]) => command), ["M", "M", "L"]);
  const [zero, one, two] = points.map(([, , , y]) => Number(y));
  assert.ok(Math.abs((zero - one) - (one - two)) < 0.2);
  const none = curveSvg({ ...chart, curves: [{ colour: "x", label: "b", x: [], y: [] }] });
  assert.equal(none, undefined);
  const one_ = curveSvg({ ...chart, curves: [{ colour: "x", label: "b", x: [3], y: [5] }] });
  assert.doesNotMatch(one_!.html, /NaN|Infinity/);
});

test("ticks are round and inside", () => {
  const ends = fc.tuple(
    fc.double({ min: -1e6, max: 1e6, noNaN: true }),
    fc.double({ min: 1e-6, max: 1e6, noNaN: true }),
  );
  fc.assert(fc.property(ends, ([least, length]) => {
    // Ends whose distance is lost in their own digits have no ticks between them.
    fc.pre(length > 1e-9 * Math.abs(least));
    const made = ticks(least, least + length, 5);
    assert.ok(made.length >= 1 && made.length <= 12);
    const room = length * 1e-6;
    assert.ok(made.every((tick) => tick >= least - room && tick <= least + length + room));
  }));
});
