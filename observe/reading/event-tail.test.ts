// A file that another process appends to, read at random moments, must give the same events as read as a
// whole; half-written and damaged lines are passed over and counted.
import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import type { RunEvent } from "../../inversion/events.ts";
import { defaultRun, syntheticEvents } from "../../tests/synthetic-events.ts";
import { type EventTail, tailEvents } from "./event-tail.ts";

const scratch = mkdtempSync(join(tmpdir(), "gnomic-tail-"));
after(() => rmSync(scratch, { recursive: true }));

const events = [...syntheticEvents({ ...defaultRun, steps: 30, totalSteps: 30 })];
const lines = events.map((event) => `${JSON.stringify(event)}\n`);
const whole = lines.join("");

/** One read, with what it gave. */
async function read(tail: EventTail) {
  let reset = false;
  const events: { event: RunEvent; end: number }[] = [];
  const position = await tail.read({
    reset: () => reset = true,
    event: (event, end) => events.push({ event, end }),
  });
  return { ...position, reset, events };
}

let files = 0;
const freshFile = () => join(scratch, `events-${files++}.jsonl`);

test("pieces of any size give each event once, in order, with its offset", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(whole.length), { maxLength: 8 }), async (cuts) => {
      const file = freshFile();
      const tail = tailEvents(file);
      const found = [];
      const places = [0, ...cuts.sort((a, b) => a - b), whole.length];
      for (let i = 1; i < places.length; i++) {
        appendFileSync(file, whole.slice(places[i - 1], places[i]));
        found.push(...(await read(tail)).events);
      }
      assert.deepEqual(found.map(({ event }) => event), events);
      const bytes = (text: string) => new TextEncoder().encode(text).length;
      const offsets = lines.map((_, i) => bytes(lines.slice(0, i + 1).join("")));
      assert.deepEqual(found.map(({ end }) => end), offsets);
    }),
    { numRuns: 25 },
  );
});

test("a file that is not there yet is empty, and is read once it is", async () => {
  const file = freshFile();
  const tail = tailEvents(file);
  assert.deepEqual((await read(tail)).events, []);
  writeFileSync(file, lines[0]);
  assert.deepEqual((await read(tail)).events.map(({ event }) => event), [events[0]]);
});

test("lines that are no event are skipped and counted, half a line is waited for", async () => {
  const file = freshFile();
  const broken = '{"event":"step","at":1\n\u0000\u0001\nnull\n{"event":"unheard of","at":1}\n';
  writeFileSync(file, lines[0] + broken + lines[1] + lines[2].slice(0, 10));
  const tail = tailEvents(file);
  const first = await read(tail);
  assert.deepEqual(first.events.map(({ event }) => event), [events[0], events[1]]);
  assert.equal(first.skipped, 4);
  assert.equal(first.unfinished, 10);
  appendFileSync(file, lines[2].slice(10));
  const second = await read(tail);
  assert.deepEqual(second.events.map(({ event }) => event), [events[2]]);
  assert.equal(second.skipped, 4);
});

test("reading goes on behind any event", async () => {
  const file = freshFile();
  writeFileSync(file, whole);
  const all = (await read(tailEvents(file))).events;
  const behind = all[11].end;
  const rest = (await read(tailEvents(file, behind))).events;
  assert.deepEqual(rest, all.slice(12));
});

test("a file that was cut, or replaced by another, is read anew and says so", async () => {
  const file = freshFile();
  writeFileSync(file, lines.slice(0, 20).join(""));
  const tail = tailEvents(file);
  await read(tail);
  truncateSync(file, lines.slice(0, 5).join("").length);
  const cut = await read(tail);
  assert.equal(cut.reset, true);
  assert.deepEqual(cut.events.map(({ event }) => event), events.slice(0, 5));
  writeFileSync(file, lines.slice(3).join(""));
  const replaced = await read(tail);
  assert.equal(replaced.reset, true);
  assert.deepEqual(replaced.events.map(({ event }) => event), events.slice(3));
});
