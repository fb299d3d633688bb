// TensorBoard itself, with each of its two readers (Rust data server, Python), shows of gnomic's event
// files every scalar, picture, text and histogram, at the right step and wall time, also when the run
// was killed in the middle of a write and went on in a second file.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { openTensorBoard } from "../../observe/tensorboard/tensorboard.ts";
import type { RunEvent, RunEventOf } from "../../inversion/events.ts";
import { defaultRun, syntheticEvents } from "../synthetic-events.ts";
import { appendEvent, createRunFolder, syntheticConfiguration } from "../synthetic-run.ts";
import { findPython } from "./find-python.ts";

const { python, skip } = findPython(["tensorboard"]);

const run = {
  ...defaultRun,
  steps: 30,
  totalSteps: 30,
  validateEvery: 10,
  imagesPerPrompt: 2,
  pictureSize: 24,
};
const events = [...syntheticEvents(run)];
const configuration = syntheticConfiguration(run);
const logs = mkdtempSync(join(tmpdir(), "gnomic-peers-tensorboard-"));
after(() => rmSync(logs, { recursive: true, force: true, maxRetries: 5 }));

async function session(name: string, part: readonly RunEvent[]): Promise<void> {
  const runDir = join(logs, name);
  const warn = (text: string) => assert.fail(text);
  const board = await openTensorBoard({ runDir, configuration, warn });
  for (const event of part) {
    await appendEvent(runDir, run, event);
    await board.onEvent(event);
  }
  await board.close();
}

/** Cuts into the newest file's last record (the last pictures), as a kill in a write does. */
function tearLastRecord(name: string, bytes: number): void {
  const folder = join(logs, name, "tensorboard");
  const file = join(folder, readdirSync(folder).sort().at(-1) as string);
  truncateSync(file, readFileSync(file).length - bytes);
}

const stopAt = events.findIndex((event) => event.event === "rows" && event.step === 20) + 1;
const isLate = (event: RunEvent) =>
  event.event.startsWith("validation") && "step" in event && event.step === 10;

const runs: Record<string, () => Promise<void>> = {
  whole: () => session("whole", events),
  torn: async () => {
    await session("torn", events);
    tearLastRecord("torn", 7);
  },
  resumed: async () => {
    await session("resumed", events.slice(0, stopAt));
    tearLastRecord("resumed", 40);
    await session("resumed", events.slice(stopAt));
    assert.equal(readdirSync(join(logs, "resumed", "tensorboard")).length, 2);
  },
  late: () =>
    session("late", [...events.filter((event) => !isLate(event)), ...events.filter(isLate)]),
};

interface Point {
  readonly step: number;
  readonly wallTime: number;
  readonly value: number;
}

const of = <Tag extends RunEvent["event"]>(tag: Tag) =>
  events.filter((event): event is RunEventOf<Tag> & RunEvent => event.event === tag);

const points = <E extends RunEvent & { step: number }>(
  list: readonly E[],
  value: (event: E) => number | null | undefined,
): Point[] =>
  list.flatMap((event) => {
    const number = value(event);
    return number === null || number === undefined
      ? []
      : [{ step: event.step, wallTime: event.at / 1000, value: Math.fround(number) }];
  });

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

const scalars: Record<string, Point[]> = {
  train_loss: points(of("step"), (event) => event.loss),
  lr: points(of("step"), (event) => event.lr),
  epoch: points(of("step"), (event) => event.epoch),
  step_seconds: points(of("step"), (event) => event.seconds),
  memory_mib: points(of("step"), (event) => event.rssBytes / 1048576),
  gradient_norm: points(of("step"), (event) => event.gradientNorm),
  "gradient_share/clip_l": points(of("step"), (event) => event.gradientShare[0]),
  "gradient_share/clip_g": points(of("step"), (event) => event.gradientShare[1]),
  fixed_loss: points(of("fixed-loss"), (event) => event.loss),
  "fixed_loss/best_so_far": points(of("fixed-loss"), (event) => event.bestLoss),
  "fixed_loss/variance_ratio": points(of("fixed-loss"), (event) => event.varianceRatio),
  "rows/clip_l/norm_mean": points(of("rows"), (event) => mean(event.encoders[0].norms)),
  "rows/clip_g/cosine_min": points(
    of("rows"),
    (event) => Math.min(...event.encoders[1].cosines),
  ),
};

const digest = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

/** Starts TensorBoard on a free port and gives its address. */
async function startTensorBoard(reader: "rust" | "python") {
  const child: ChildProcess = spawn(python, [
    "-m",
    "tensorboard.main",
    "--logdir",
    logs,
    "--port",
    "0",
    "--host",
    "127.0.0.1",
    `--load_fast=${reader === "rust"}`,
    "--reload_interval=1",
    "--samples_per_plugin",
    "scalars=9999,images=999,histograms=999,text=99,tensors=999",
  ], { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  const address = await new Promise<string>((resolve, reject) => {
    child.stderr?.on("data", (data) => {
      said += data;
      const found = /http:\/\/[^\s/]+:\d+/.exec(said);
      if (found !== null) resolve(found[0]);
    });
    child.on("exit", () => reject(new Error(said)));
  });
  return { address, child, said: () => said };
}

for (const reader of ["rust", "python"] as const) {
  describe(`TensorBoard's ${reader} reader`, { skip }, () => {
    let board: Awaited<ReturnType<typeof startTensorBoard>>;

    const get = async (plugin: string, route: string, name: string, tag: string) => {
      const query = new URLSearchParams({ run: join(name, "tensorboard"), tag });
      const answer = await fetch(`${board.address}/data/plugin/${plugin}/${route}?${query}`);
      assert.equal(answer.status, 200, `${plugin} ${tag} of ${name}: ${board.said()}`);
      return await answer.json();
    };

    /** The last scalar is the last to be loaded, of files that are read from the start. */
    const loaded = async (name: string) => {
      const query = new URLSearchParams({ run: join(name, "tensorboard"), tag: "train_loss" });
      const url = `${board.address}/data/plugin/scalars/scalars?${query}`;
      for (let tries = 0; tries < 120; tries++) {
        const answer = await fetch(url);
        if (answer.ok && (await answer.json()).at(-1)?.[1] === run.steps) return;
        else await answer.body?.cancel().catch(() => undefined);
        await sleep(500);
      }
      assert.fail(`${name} was not loaded: ${board.said()}`);
    };

    before(async () => {
      for (const [name, write] of Object.entries(runs)) {
        if (reader === "rust") {
          await createRunFolder(join(logs, name), run);
          await write();
        }
      }
      board = await startTensorBoard(reader);
      for (const name of ["whole", "resumed", "late"]) await loaded(name);
    });
    after(async () => {
      const exited = new Promise((resolve) => board.child.once("exit", resolve));
      board.child.kill();
      await exited;
    });

    for (const name of Object.keys(runs)) {
      const shown = name === "torn" ? "a torn last record" : `the ${name} run`;

      test(`scalars of ${shown}`, async () => {
        for (const [tag, wanted] of Object.entries(scalars)) {
          const found = await get("scalars", "scalars", name, tag);
          assert.deepEqual(
            found.map(([wallTime, step, value]: number[]) => ({ step, wallTime, value })),
            wanted,
            `${tag} of ${name}`,
          );
        }
      });

      test(`pictures of ${shown}`, async () => {
        for (const prompt of run.prompts.keys()) {
          const wanted = of("validation-picture").filter((event) =>
            event.prompt === prompt && !(name === "torn" && event.step === run.steps)
          );
          const found = [];
          for (let sample = 0; sample < run.imagesPerPrompt; sample++) {
            const query = new URLSearchParams({
              run: join(name, "tensorboard"),
              tag: `validation (prompt ${prompt})`,
              sample: String(sample),
            });
            const url = `${board.address}/data/plugin/images`;
            for (const entry of await (await fetch(`${url}/images?${query}`)).json()) {
              const picture = await fetch(`${url}/individualImage?${entry.query}`);
              assert.equal(picture.headers.get("content-type"), "image/jpeg");
              found.push({
                step: entry.step,
                image: sample,
                digest: digest(new Uint8Array(await picture.arrayBuffer())),
              });
            }
          }
          const order = (a: { step: number; image: number }, b: typeof a) =>
            a.step - b.step || a.image - b.image;
          assert.deepEqual(
            found.sort(order),
            wanted.map(({ step, image, path }) => ({
              step,
              image,
              digest: digest(readFileSync(join(logs, name, path))),
            })).sort(order),
          );
        }
      });

      test(`configuration and histograms of ${shown}`, async () => {
        const texts = await get("text", "text", name, "configuration");
        assert.equal(texts.length, 1);
        assert.match(texts[0].text, /gnome_bruce at the beach/);
        const found = await get("histograms", "histograms", name, "rows/clip_l/norms");
        assert.deepEqual(
          found.map(([, step, buckets]: [number, number, number[][]]) => ({
            step,
            least: buckets[0][0],
            most: buckets.at(-1)?.[1],
            count: buckets.reduce((sum, bucket) => sum + bucket[2], 0),
          })),
          of("rows").map(({ step, encoders: [{ norms }] }) => ({
            step,
            least: Math.min(...norms),
            most: Math.max(...norms),
            count: norms.length,
          })),
        );
      });
    }
  });
}
