import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Effect } from "effect";
import type { Attempt } from "../run-folder/manifest.ts";
import { startChild } from "../testing/child.ts";
import { makeRun } from "../testing/make-run.ts";
import { withTemporaryFolder } from "../testing/temporary-folder.ts";
import { findRun, NoSuchRun } from "./find-run.ts";
import { surveyRuns } from "./survey.ts";

const holdLock = new URL("../testing/hold-lock.ts", import.meta.url).pathname;

const attempts = (exit: number | null): readonly Attempt[] => [
  { versions: {}, startedAt: 1, endedAt: exit === null ? null : 2, fromStep: 0, toStep: 0, exit },
];
const unfinished = (exit: number | null) => ({
  manifest: { status: "unfinished", attempts: attempts(exit) },
} as const);

const statuses = async (base: string) =>
  Object.fromEntries(
    (await Effect.runPromise(surveyRuns(base))).map(({ name, status, step }) => [
      name,
      [status, step],
    ]),
  );

test("each state of a run is told from what is on disk; folders that are no runs are left out", () =>
  withTemporaryFolder(async (base) => {
    await makeRun(base, { name: "a-complete", step: 10 });
    await makeRun(base, { name: "b-stopped", ...unfinished(130), step: 3 });
    await makeRun(base, { name: "c-failed", ...unfinished(3) });
    await makeRun(base, { name: "d-killed", ...unfinished(null), step: 4 });
    const torn = await makeRun(base, { name: "e-torn", step: 5 });
    truncateSync(join(torn, "run.json"), 40);
    rmSync(join(await makeRun(base, { name: "f-without" }), "run.json"));
    truncateSync(join(await makeRun(base, { name: "g-state", step: 5 }), "state.safetensors"), 3);
    mkdirSync(join(base, "holiday"));
    writeFileSync(join(base, "holiday", "beach.jpg"), "x");
    writeFileSync(join(base, "notes.txt"), "x");
    assert.deepEqual(await statuses(base), {
      "a-complete": ["complete", 10],
      "b-stopped": ["stopped", 3],
      "c-failed": ["failed", null],
      "d-killed": ["killed", 4],
      "e-torn": ["broken", 5],
      "f-without": ["broken", null],
      "g-state": ["complete", null],
    });
    assert.deepEqual(await statuses(join(base, "nothing")), {});
  }));

test("running while a process has its lock, killed once that is dead", () =>
  withTemporaryFolder(async (base) => {
    const dir = await makeRun(base, { name: "a", ...unfinished(null), step: 4 });
    const child = startChild(holdLock, [dir]);
    await child.line("locked");
    assert.deepEqual(await statuses(base), { a: ["running", 4] });
    child.process.kill("SIGKILL");
    await child.ended;
    assert.deepEqual(await statuses(base), { a: ["killed", 4] });
  }));

test("a lock of another machine is not judged from here", () =>
  withTemporaryFolder(async (base) => {
    const dir = await makeRun(base, { name: "a" });
    const holder = { pid: 7, started: "1", boot: "b", host: "elsewhere", token: "t", beat: 1 };
    writeFileSync(join(dir, "lock.json"), JSON.stringify(holder));
    assert.deepEqual(await statuses(base), { a: ["elsewhere", null] });
  }));

const found = (text: string, base: string) =>
  Effect.runPromise(Effect.map(findRun(text, base), ({ name }) => name));

async function refusal(text: string, base: string): Promise<string> {
  const fault = await Effect.runPromise(Effect.flip(findRun(text, base)));
  assert.ok(fault instanceof NoSuchRun);
  return fault.message;
}

test("a run by name, by the beginning of its name, by path, and the latest", () =>
  withTemporaryFolder(async (base) => {
    for (const name of ["bruce-1a2b", "bruce-1a2b3c", "other-99"]) await makeRun(base, { name });
    utimesSync(join(base, "bruce-1a2b3c", "events.jsonl"), 5e9, 5e9);
    // Somebody looked at it, and left an index of its events in its folder.
    utimesSync(join(base, "other-99"), 6e9, 6e9);
    assert.equal(await found("bruce-1a2b", base), "bruce-1a2b");
    assert.equal(await found("bruce-1a2b3", base), "bruce-1a2b3c");
    assert.equal(await found("o", base), "other-99");
    assert.equal(await found(join(base, "other-99"), "nowhere"), "other-99");
    assert.equal(await found("latest", base), "bruce-1a2b3c");
  }));

test("what names no run is refused with the names that there are", () =>
  withTemporaryFolder(async (base) => {
    assert.match(await refusal("latest", base), /found no runs\. --output/);
    for (const name of ["bruce-1", "bruce-2"]) await makeRun(base, { name });
    assert.match(await refusal("bruce", base), /found 2: bruce-1, bruce-2\. Type more/);
    assert.match(await refusal("bruse-1", base), /Is it bruce-1\?/);
    assert.match(await refusal("", base), /none among bruce-1, bruce-2/);
    mkdirSync(join(base, "foreign"));
    assert.match(await refusal(join(base, "foreign"), base), /found one without run\.json/);
    assert.match(await refusal(join(base, "missing"), base), /found nothing/);
    assert.equal(readFileSync(join(base, "bruce-1", "events.jsonl"), "utf8"), "");
  }));
