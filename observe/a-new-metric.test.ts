// A new metric is one row of the table and one `emit`: the event is registered, and page, report,
// TensorBoard, `runs show` and `runs compare` have it. The row is added before anything that reads the table is loaded, as if it
// stood there.
import assert from "node:assert/strict";
import { appendFileSync, readdirSync, readFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { Effect, Result } from "effect";
import { type Metric, metrics } from "../inversion/metrics.js";

const row: Metric = {
  key: "sharpness",
  event: "sharpness",
  value: ({ value }) => value,
  title: "Sharpness of the pictures",
  unit: "number",
  chart: { colour: "teal", axis: "zero" },
  smoothing: 0.5,
  tag: "sharpness/mean",
  better: "higher",
};
(metrics as Metric[]).push(row);

const { trainingApp } = await import("../inversion/app.ts");
const { eventCodec } = await import("../runtime/events.ts");
const { startMonitor } = await import("./monitor/server/monitor.ts");
const { curveOf } = await import("./reading/curves.js");
const { renderReport } = await import("./report/report.ts");
const { openTensorBoard } = await import("./tensorboard/tensorboard.ts");
const { decodeEvent } = await import("./tensorboard/event-proto.ts");
const { splitRecords } = await import("./tensorboard/record-frame.ts");
const { runsCommand } = await import("../cli/runs.ts");
const { makeRun } = await import("../runtime/testing/make-run.ts");
const { withTemporaryFolder } = await import("../runtime/testing/temporary-folder.ts");

const sharpness = (step: number, value: number) => ({
  event: "sharpness",
  at: 1000 + step,
  step,
  value,
});

const say = (dir: string, values: readonly number[]) =>
  appendFileSync(
    join(dir, "events.jsonl"),
    values.map((value, i) => `${JSON.stringify(sharpness(10 * i, value))}\n`).join(""),
  );

const runs = async (base: string, args: string, options: Record<string, unknown> = {}) => {
  const lines: string[] = [];
  const print = (line: string) => void lines.push(line);
  await Effect.runPromise(
    runsCommand.run(args.split(" "), { output: base, ...options }, { print }),
  );
  return lines.join("\n");
};

/** What the page's server answers to a browser that has the key. */
async function served(folder: string, path: string): Promise<string> {
  const monitor = await startMonitor(folder, { port: 0 });
  const ask = (path: string, cookie: string) =>
    new Promise<{ readonly cookie: string; readonly body: string }>((done, failed) => {
      const options = { host: "127.0.0.1", port: monitor.port, path, headers: { cookie } };
      request(options, async (response) => {
        const parts = await Array.fromAsync(response as AsyncIterable<Buffer>);
        done({
          cookie: String(response.headers["set-cookie"]?.[0]).split(";")[0],
          body: Buffer.concat(parts).toString(),
        });
      }).on("error", failed).end();
    });
  try {
    const { pathname, search } = new URL(monitor.address);
    const { cookie } = await ask(pathname + search, "");
    return (await ask(path, cookie)).body;
  } finally {
    await monitor.close();
  }
}

test("the row registers its event, which stages then may emit", () => {
  const codec = eventCodec(trainingApp().events);
  assert.deepEqual(codec.parse(JSON.stringify(sharpness(10, 2))), sharpness(10, 2));
  assert.ok(Result.isSuccess(codec.encode(sharpness(10, 2))));
  const wrong = codec.encode({ ...sharpness(10, 2), value: "2" });
  assert.match(Result.isFailure(wrong) ? wrong.failure : "", /value/);
  assert.equal(codec.onceBy(sharpness(10, 2)), "sharpness ");
});

test("a row and an event are all that a new metric takes", () =>
  withTemporaryFolder(async (base) => {
    const a = await makeRun(base, { name: "first" });
    const b = await makeRun(base, { name: "second" });
    say(a, [4, 2, 8]);
    say(b, [4, 2, 6]);

    const curves = JSON.parse(await served(base, "/api/runs/first/curves"));
    const { step, last, smoothed } = curveOf(curves, row);
    assert.deepEqual([step, last], [[0, 10, 20], [4, 2, 8]]);
    // 8 (1) and 2 (1/2) and 4 (1/4), over the sum of the weights.
    assert.equal(smoothed[2], (8 + 2 / 2 + 4 / 4) / 1.75);
    assert.match(await served(base, "/inversion/metrics.js"), /export const metrics/);

    assert.match(await renderReport(a), /class="chart-title">Sharpness of the pictures</);

    const board = await openTensorBoard({ runDir: a, configuration: {}, warn: assert.fail });
    say(a, []);
    appendFileSync(join(a, "events.jsonl"), `${JSON.stringify(sharpness(30, 9))}\n`);
    await board.onEvent(sharpness(30, 9));
    await board.close();
    const folder = join(a, "tensorboard");
    const found = readdirSync(folder).sort().flatMap((name) =>
      splitRecords(readFileSync(join(folder, name))).records.map(decodeEvent)
    ).flatMap(({ step, summary }) =>
      (summary?.value ?? []).filter(({ tag }) => tag === "sharpness/mean")
        .map(({ simpleValue }) => [step, simpleValue])
    );
    assert.deepEqual(found, [[0, 4], [10, 2], [20, 8], [30, 9]]);

    assert.match(await runs(base, "show first"), /Sharpness of the pictures +9$/m);
    assert.match(
      await runs(base, "compare first second"),
      /Sharpness of the pictures +9 +6 +-3 +A/,
    );
    const { metrics: compared } = JSON.parse(
      await runs(base, "compare first second", { json: true }),
    );
    assert.deepEqual(
      compared.find(({ metric }: { metric: string }) => metric === row.title),
      { metric: row.title, a: 9, b: 6, better: "a", comparable: true },
    );
  }));

test("an event without the value, or with another thing in its place, is no event", () =>
  withTemporaryFolder(async (base) => {
    const dir = await makeRun(base, { name: "first" });
    say(dir, [4]);
    for (const value of ["9", null, undefined]) {
      const line = JSON.stringify({ ...sharpness(10, 0), value });
      appendFileSync(join(dir, "events.jsonl"), `${line}\n`);
    }
    const text = await runs(base, "show first");
    assert.match(text, /Sharpness of the pictures +4$/m);
    assert.match(text, /unreadable +3 lines of its events$/m);
  }));

test("keys, tags and names of figures are each there once, and a chart is drawn in one that is", () => {
  const once = (values: readonly (string | null | undefined)[]) => {
    const given = values.filter((value) => value !== null && value !== undefined);
    assert.deepEqual(given, [...new Set(given)]);
  };
  once(metrics.map(({ key }) => key));
  once(metrics.map(({ tag }) => tag));
  once(
    metrics.flatMap(({ title, figures }) =>
      figures === undefined ? [title] : Object.values(figures ?? {})
    ),
  );
  for (const { chart, event } of metrics) {
    if (chart === null || !("with" in chart)) continue;
    const other = metrics.find(({ key }) => key === chart.with);
    assert.ok(other?.chart && "axis" in other.chart);
    assert.equal(other.event, event, "curves of one chart share their steps");
  }
});
