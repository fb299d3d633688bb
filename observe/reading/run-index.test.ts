// Reading a run through its index gives what folding the whole log gives, whatever happened to the log or to
// the index meanwhile. Marked indices show when one was used: their state has a name that no log has.
import assert from "node:assert/strict";
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { sha256 } from "../../lib/sha256.ts";
import { defaultRun, syntheticEvents } from "../../tests/synthetic-events.ts";
import { readIndex, writeIndex } from "./run-index.ts";
import { newRunReader } from "./run-reader.ts";

const scratch = mkdtempSync(join(tmpdir(), "gnomic-index-"));
after(() => rmSync(scratch, { recursive: true }));

const logOf = (steps: number) =>
  Buffer.from(
    [...syntheticEvents({ ...defaultRun, steps, totalSteps: steps, pictureSize: 8 })]
      .map((event) => `${JSON.stringify(event)}\n`).join(""),
  );
const short = logOf(30);
/** Long enough to be worth an index. */
const long = logOf(3000);

let made = 0;
function runWith(log: Uint8Array): string {
  const dir = join(scratch, `run-${made++}`);
  mkdirSync(dir);
  writeFileSync(join(dir, "events.jsonl"), log);
  return dir;
}

const read = (dir: string) => newRunReader(dir).read();

/** What folding the log as it is now gives, without any index. */
const whole = (dir: string) => read(runWith(readFileSync(join(dir, "events.jsonl"))));

const marked = "only in the index";

/** An index of the log as it is now, with the mark. */
async function markIndex(dir: string) {
  const { state, curves, offset, unreadable } = await whole(dir);
  const digest = sha256(readFileSync(join(dir, "events.jsonl")).subarray(0, offset));
  await writeIndex(dir, {
    ...{ offset, digest, skipped: unreadable, curves },
    state: { ...state, trigger: marked },
  });
}

/** What is read equals the whole fold; with an index that was used, but for the mark. */
async function assertRead(dir: string, used: boolean) {
  const { state, ...found } = await read(dir);
  const { state: expected, ...others } = await whole(dir);
  assert.deepEqual({ ...state, trigger: expected.trigger }, expected);
  assert.deepEqual(found, others);
  assert.equal(state.trigger === marked, used);
}

test("a long log leaves an index, which answers as the whole log does and goes on with what comes", async () => {
  const at = long.lastIndexOf(10, long.length * 0.9) + 1;
  const dir = runWith(long.subarray(0, at));
  await read(dir);
  assert.ok(existsSync(join(dir, ".events-index")));
  await markIndex(dir);
  await assertRead(dir, true);
  appendFileSync(join(dir, "events.jsonl"), long.subarray(at, at + 100));
  await assertRead(dir, true);
  appendFileSync(join(dir, "events.jsonl"), long.subarray(at + 100));
  await assertRead(dir, true);
  assert.deepEqual(await read(dir).then(({ curves }) => curves), (await whole(dir)).curves);
});

test("a reader that stays open keeps the index at its log's heels", async () => {
  const dir = runWith(long);
  const reader = newRunReader(dir);
  await reader.read();
  const before = (await readIndex(dir))!.offset;
  appendFileSync(join(dir, "events.jsonl"), long);
  const { offset } = await reader.read();
  assert.deepEqual([before, (await readIndex(dir))!.offset], [long.length, offset]);
  await assertRead(dir, false);
});

test("wherever the log was cut, torn or mended since, the answer is that of the log", async () => {
  const lines = short.toString().split("\n");
  const broken = Buffer.from(lines.toSpliced(5, 1, "{torn", "null").join("\n"));
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(short, broken),
      fc.nat(short.length),
      fc.nat(short.length),
      async (log, first, second) => {
        const dir = runWith(log.subarray(0, first));
        await markIndex(dir);
        writeFileSync(join(dir, "events.jsonl"), log.subarray(0, second));
        const behind = log.lastIndexOf(10, first - 1) + 1;
        await assertRead(dir, first > 0 && second >= behind && behind > 0);
      },
    ),
    { numRuns: 60 },
  );
});

test("a log with another byte anywhere is another log", async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(short.length - 1), async (at) => {
      const dir = runWith(short);
      await markIndex(dir);
      const other = Buffer.from(short);
      // Another digit or letter, so that the line may well be an event still.
      other[at] = short[at] === 0x31 ? 0x32 : 0x31;
      writeFileSync(join(dir, "events.jsonl"), other);
      await assertRead(dir, false);
    }),
    { numRuns: 60 },
  );
});

test("a log that was replaced, emptied or removed leaves nothing of the old one", async () => {
  for (const change of [logOf(31), Buffer.alloc(0), undefined]) {
    const dir = runWith(short);
    await markIndex(dir);
    rmSync(join(dir, "events.jsonl"));
    if (change !== undefined) writeFileSync(join(dir, "events.jsonl"), change);
    const { state, offset } = await read(dir);
    assert.equal(offset, change?.length ?? 0);
    assert.equal(state.trigger, change?.length ? "gnome_bruce" : "");
  }
});

test("a damaged or cut index is none", async () => {
  const dir = runWith(short);
  await markIndex(dir);
  const index = readFileSync(join(dir, ".events-index"));
  await fc.assert(
    fc.asyncProperty(fc.nat(index.length - 1), fc.boolean(), async (at, cut) => {
      const copy = join(scratch, `run-${made++}`);
      cpSync(dir, copy, { recursive: true });
      if (cut) truncateSync(join(copy, ".events-index"), at);
      else {
        const changed = Buffer.from(index);
        changed[at] ^= 1;
        writeFileSync(join(copy, ".events-index"), changed);
      }
      await assertRead(copy, false);
    }),
    { numRuns: 60 },
  );
});

test("where none can be written the log is read all the same, and nothing is left lying about", async () => {
  const dir = runWith(long);
  mkdirSync(join(dir, ".events-index", "in the way"), { recursive: true });
  await assertRead(dir, false);
  assert.deepEqual(readdirSync(dir).toSorted(), [".events-index", "events.jsonl"]);
});

test("a short log is read without one", async () => {
  const dir = runWith(short);
  await read(dir);
  assert.deepEqual(readdirSync(dir), ["events.jsonl"]);
});
