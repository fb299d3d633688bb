// Who decides the number of threads: what a configuration says is nobody else's, and the dead have no say.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ownIdentity } from "../lib/process-identity.ts";
import type { Member } from "./members.ts";
import { opensThreads, setsThreads, threadsForAll, toldThreads } from "./sweep-threads.ts";

const trial = (threads: number | null, overrides: object = {}, provider = "cpu") => ({
  overrides: { ...overrides },
  values: { threads, provider },
});

test("left open where it decides a result; set where the number is not the trial's own", () => {
  const of = (...trials: ReturnType<typeof trial>[]) => [
    opensThreads(trials),
    setsThreads(trials),
  ];
  assert.deepEqual(of(trial(null)), [true, false]);
  assert.deepEqual(of(trial(null, {}, "cuda")), [false, false]);
  assert.deepEqual(of(trial(4)), [false, true]);
  assert.deepEqual(of(trial(2, { threads: 2 })), [false, false]);
  assert.deepEqual(of(trial(2, { threads: 2 }), trial(4)), [false, true]);
  assert.deepEqual(of(trial(2, { threads: 2 }), trial(null)), [true, false]);
});

test("the machine's number is for sweeps that say none", () => {
  assert.equal(toldThreads({ threads: 3 }, 1), 3);
  assert.equal(toldThreads({ setsThreads: true }, 1), null);
  assert.equal(toldThreads({}, 1), 1);
  assert.equal(toldThreads({}, null), null);
});

const member = (
  name: string,
  threads: number | undefined,
  silentSeconds = 0,
  more: Partial<Member["about"]> = {},
): Member => ({
  name,
  silentSeconds,
  seenAt: 0,
  about: {
    ...{ machine: "m", pid: 1, slots: 1, tool: "gnomic 1", versions: {}, customStages: false },
    ...(threads === undefined ? {} : { threads }),
    ...more,
  },
});

test("as many as the least of those that are there has", () => {
  assert.equal(threadsForAll(8, []), 8);
  assert.equal(threadsForAll(8, [member("a", 4), member("card", undefined), member("b", 6)]), 4);
  assert.equal(threadsForAll(2, [member("a", 4)]), 2);
  assert.equal(threadsForAll(8, [member("killed an hour ago", 1, 3600), member("a", 4)]), 4);
  const dead = { ...ownIdentity(), started: "another" };
  assert.equal(threadsForAll(8, [member("killed just now", 1, 2, { identity: dead })]), 8);
});
