// The event files of a run that was stopped in many ways must hold what those of an uninterrupted
// run hold: each (tag, step) once, with the same value. TensorBoard's own readers are asked in
// tests/peers/tensorboard.test.ts.
import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { RunEvent } from "../../inversion/events.ts";
import { defaultRun, syntheticEvents } from "../../tests/synthetic-events.ts";
import { appendEvent, createRunFolder, syntheticConfiguration } from "../../tests/synthetic-run.ts";
import { eventFileNames, nextFileName } from "./event-file.ts";
import { decodeEvent, encodeEvent, sessionStart } from "./event-proto.ts";
import { frameRecord, splitRecords } from "./record-frame.ts";
import { openTensorBoard } from "./tensorboard.ts";

const scratch = mkdtempSync(join(tmpdir(), "gnomic-tensorboard-"));
after(() => rmSync(scratch, { recursive: true }));

const run = {
  ...defaultRun,
  steps: 24,
  totalSteps: 24,
  validateEvery: 8,
  imagesPerPrompt: 2,
  pictureSize: 16,
};
const events = [...syntheticEvents(run)];
const configuration = syntheticConfiguration(run);

let made = 0;
async function freshRun(): Promise<string> {
  const dir = join(scratch, `run-${made++}`);
  await createRunFolder(dir, run);
  return dir;
}

async function openRun(runDir: string) {
  const warnings: string[] = [];
  const warn = (text: string) => void warnings.push(text);
  const board = await openTensorBoard({ runDir, configuration, warn });
  return { board, warnings };
}

/** One session of training: appends to events.jsonl, tells the writer. */
async function session(runDir: string, part: readonly RunEvent[], missed = 0): Promise<void> {
  const { board, warnings } = await openRun(runDir);
  for (const [i, event] of part.entries()) {
    await appendEvent(runDir, run, event);
    if (i < part.length - missed) await board.onEvent(event);
  }
  await board.close();
  assert.deepEqual(warnings, []);
}

/** What a reader without any leniency holds: files in order, START forgets, then every value. */
function content(runDir: string): string[] {
  const folder = join(runDir, "tensorboard");
  let held: { tag: string; step: number; value: string }[] = [];
  for (const name of readdirSync(folder).sort()) {
    const bytes = readFileSync(join(folder, name));
    const { records, goodBytes } = splitRecords(bytes);
    assert.equal(goodBytes, bytes.length, `${name} has a broken tail`);
    for (const { step, summary, sessionLog } of records.map(decodeEvent)) {
      if (sessionLog?.status === sessionStart) held = held.filter((each) => each.step < step);
      for (const { tag, ...value } of summary?.value ?? []) {
        const last = held.findLast((each) => each.tag === tag);
        assert.ok(last === undefined || last.step < step, `${tag}: ${step} after ${last?.step}`);
        held.push({ tag, step, value: JSON.stringify(value) });
      }
    }
  }
  return held.map(({ tag, step, value }) => `${tag} ${step} ${value}`).sort();
}

const uninterrupted = await freshRun();
await session(uninterrupted, events);
const expected = content(uninterrupted);

test("every event that has numbers or pictures is there", () => {
  const count = (tag: string) => expected.filter((line) => line.startsWith(`${tag} `)).length;
  assert.equal(count("train_loss"), 24);
  assert.equal(count("lr"), 24);
  assert.equal(count("fixed_loss"), 5);
  assert.equal(count("rows/clip_g/norms"), 3);
  assert.equal(count("configuration"), 1);
  assert.equal(expected.filter((line) => line.startsWith("validation (prompt 1) ")).length, 4);
});

test("a run stopped between any two events goes on with nothing doubled or lost", async () => {
  for (const at of [1, 20, 33, 45, events.length - 1]) {
    const dir = await freshRun();
    await session(dir, events.slice(0, at));
    await session(dir, events.slice(at));
    assert.deepEqual(content(dir), expected);
  }
});

test("events that the killed writer never got are appended at the next opening", async () => {
  const dir = await freshRun();
  await session(dir, events.slice(0, 50), 12);
  await session(dir, events.slice(50));
  assert.deepEqual(content(dir), expected);
});

test("a file cut anywhere in its last records is repaired from events.jsonl", async () => {
  const whole = await freshRun();
  await session(whole, events);
  const [name] = await eventFileNames(join(whole, "tensorboard"));
  const bytes = readFileSync(join(whole, "tensorboard", name));
  for (const cut of [1, 5, 17, 300, 3000, bytes.length - 60, bytes.length - 3, bytes.length]) {
    await writeFile(join(whole, "tensorboard", name), bytes.subarray(0, bytes.length - cut));
    await session(whole, []);
    assert.deepEqual(content(whole), expected, `cut by ${cut}`);
    for (const other of await eventFileNames(join(whole, "tensorboard"))) {
      await rm(join(whole, "tensorboard", other));
    }
  }
});

test("a damaged middle of an older file is written again", async () => {
  const dir = await freshRun();
  await session(dir, events.slice(0, 30));
  await session(dir, events.slice(30));
  const [older] = await eventFileNames(join(dir, "tensorboard"));
  const bytes = readFileSync(join(dir, "tensorboard", older));
  bytes[bytes.length >> 1] ^= 4;
  await writeFile(join(dir, "tensorboard", older), bytes);
  await session(dir, []);
  assert.deepEqual(content(dir), expected);
});

test("a validation that is done late does not make later pictures vanish", async () => {
  const late = (event: RunEvent) =>
    event.event.startsWith("validation") && "step" in event && event.step === 8;
  const reordered = [
    ...events.filter((event) => !late(event)).slice(0, -1),
    ...events.filter(late),
    events[events.length - 1],
  ];
  const dir = await freshRun();
  await session(dir, reordered);
  assert.deepEqual(content(dir), expected);
});

test("pictures whose validation was killed before it said so are there", async () => {
  const unsaid = events.filter((event) =>
    !(event.event === "validation-finished" && event.step === 8)
  );
  const dir = await freshRun();
  await session(dir, unsaid.slice(0, 40));
  await session(dir, unsaid.slice(40));
  assert.deepEqual(content(dir), expected);
});

test("steps that events.jsonl does not know any more are forgotten", async () => {
  const dir = await freshRun();
  await session(dir, events);
  const lines = readFileSync(join(dir, "events.jsonl"), "utf8").split("\n").slice(0, 40);
  await writeFile(join(dir, "events.jsonl"), lines.join("\n") + "\n");
  await session(dir, events.slice(40));
  assert.deepEqual(content(dir), expected);
});

test("opening a complete run again writes nothing", async () => {
  const folder = join(uninterrupted, "tensorboard");
  const before = readdirSync(folder);
  await session(uninterrupted, []);
  assert.deepEqual(readdirSync(folder), before);
});

test("a half-written event line is passed over", async () => {
  const dir = await freshRun();
  await session(dir, events.slice(0, 30));
  appendFileSync(join(dir, "events.jsonl"), '{"event":"step","at":17\n');
  await session(dir, events.slice(30));
  assert.deepEqual(content(dir), expected);
});

test("a picture path that leaves the run's folder is not read", async () => {
  const dir = await freshRun();
  await writeFile(join(scratch, "secret.jpg"), "secret");
  const wander = events.map((event) =>
    event.event === "validation-picture" ? { ...event, path: "../secret.jpg" } : event
  );
  const { board } = await openRun(dir);
  for (const event of wander) await board.onEvent(event);
  await board.close();
  assert.equal(content(dir).some((line) => line.includes("validation (")), false);
});

test("a folder that cannot be written is said once and ends nothing", async () => {
  const dir = await freshRun();
  await mkdir(dir, { recursive: true });
  await writeFile(join(dir, "tensorboard"), "in the way");
  const { board, warnings } = await openRun(dir);
  for (const event of events) await board.onEvent(event);
  await board.close();
  assert.equal(warnings.length, 1);
  assert.match(warnings[0], /tensorboard/);
});

test("names sort after older ones, also when the clock was set back", () => {
  const older = ["events.out.tfevents.1767603600.gnomic.000000"];
  assert.ok(nextFileName(older, 1600000000) > older[0]);
  assert.ok(nextFileName(older, 1800000000.7) > older[0]);
  assert.match(nextFileName([], 5), /^events\.out\.tfevents\.0000000005\.gnomic\.000000$/);
});

test("a run of more steps than a call takes arguments goes on in its event files", async () => {
  const dir = await freshRun();
  const folder = join(dir, "tensorboard");
  await mkdir(folder, { recursive: true });
  const record = frameRecord(encodeEvent({ wallTime: 1, step: 0, fileVersion: "brain.Event:2" }));
  const old = Buffer.concat(new Array<Uint8Array>(150_000).fill(record));
  await writeFile(join(folder, nextFileName([], 1)), old);
  await session(dir, events);
  assert.equal((await eventFileNames(folder)).length, 2);
});
