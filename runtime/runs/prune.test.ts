// Clearing up: what goes is what no run needs, judged by the store itself and by the other runs' files.
import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Effect, type PlatformError } from "effect";
import { Files } from "../../lib/files.ts";
import { RunLocked } from "../../lib/lock.ts";
import { openStore, storeName } from "../store/artefact-store.ts";
import { startChild } from "../testing/child.ts";
import { refusal } from "../testing/full-disk.ts";
import { makeRun } from "../testing/make-run.ts";
import { withTemporaryFolder } from "../testing/temporary-folder.ts";
import { treeOf } from "../testing/tree.ts";
import { deleteRun } from "./delete-run.ts";
import { findRun } from "./find-run.ts";
import { findPrunable, removePrunable, RunsAtWork } from "./prune.ts";

const prunable = (base: string, before: number | null = null) =>
  Effect.runPromise(findPrunable(base, before));
const prune = async (base: string, before: number | null = null) =>
  Effect.runPromise(removePrunable(base, await prunable(base, before)));
const remove = (base: string, name: string) =>
  Effect.runPromise(Effect.flatMap(findRun(name, base), deleteRun));

const texts = (base: string) =>
  Object.entries(treeOf(join(base, storeName)))
    .filter(([path]) => path.startsWith("blobs/"))
    .map(([, hex]) => Buffer.from(hex, "hex").toString())
    .filter((text) => !text.startsWith("{"))
    .toSorted();

/** How many of the store's results are sound, all blobs looked at. */
async function soundResults(base: string): Promise<number> {
  const store = await Effect.runPromise(openStore(join(base, storeName)));
  const names = readdirSync(join(base, storeName, "artefacts"));
  const found = await Promise.all(
    names.map((name) => Effect.runPromise(store.find(name.replace(".json", "")))),
  );
  assert.ok(found.every((each) => each.found === "sound"));
  return found.length;
}

test("nothing goes while every part of the store is some run's", () =>
  withTemporaryFolder(async (base) => {
    await makeRun(base, { name: "a", rows: ["shared", "a1"], latents: "shared latents" });
    await makeRun(base, { name: "b", rows: ["shared", "b1"], latents: "shared latents" });
    const before = treeOf(base);
    await prune(base);
    assert.deepEqual(treeOf(base), before);
  }));

test("after a run is deleted, what it alone needed goes, and the others' results stay sound", () =>
  withTemporaryFolder(async (base) => {
    await makeRun(base, { name: "a", rows: ["shared", "a1"], latents: "a's latents" });
    await makeRun(base, { name: "b", rows: ["shared", "b1"], latents: "b's latents" });
    await remove(base, "a");
    assert.deepEqual(texts(base), ["a's latents", "a1", "b's latents", "b1", "shared"]);
    const before = treeOf(base);
    const found = await prunable(base);
    assert.deepEqual(treeOf(base), before, "finding removes nothing");
    assert.equal(found.blobs.length, 3);
    assert.equal(found.entries.length, 2);
    await prune(base);
    assert.deepEqual(texts(base), ["b's latents", "b1", "shared"]);
    assert.equal(await soundResults(base), 1);
    assert.deepEqual((await prunable(base)).blobs, []);
  }));

test("a run whose manifest is torn keeps what its files still name", () =>
  withTemporaryFolder(async (base) => {
    const dir = await makeRun(base, { name: "a", rows: ["a1"] });
    truncateSync(join(dir, "run.json"), 10);
    await prune(base);
    assert.deepEqual(texts(base), ["a1"]);
  }));

test("runs that ended badly go only when an age is given and they are older", () =>
  withTemporaryFolder(async (base) => {
    const attempt = { versions: {}, startedAt: 1, endedAt: 2, fromStep: 0, toStep: 0, exit: 3 };
    const failed = { status: "unfinished", attempts: [attempt] } as const;
    for (const name of ["old-failed", "new-failed"]) {
      await makeRun(base, { name, manifest: failed });
    }
    await makeRun(base, { name: "old-complete", rows: ["kept"] });
    for (const name of ["old-failed", "old-complete"]) {
      for (const part of [".", "run.json", "events.jsonl"]) {
        utimesSync(join(base, name, part), 1000, 1000);
      }
    }
    mkdirSync(join(base, ".deleted-x"));
    writeFileSync(join(base, ".deleted-x", "left"), "x");
    await prune(base);
    assert.deepEqual(readdirSync(base).toSorted(), [
      storeName,
      "new-failed",
      "old-complete",
      "old-failed",
    ]);
    await prune(base, 2_000_000);
    assert.deepEqual(readdirSync(base).toSorted(), [storeName, "new-failed", "old-complete"]);
    assert.deepEqual(texts(base), ["kept"]);
  }));

test("everything stays while a run cannot be read: nobody knows what it needs", () =>
  withTemporaryFolder(async (base) => {
    const attempt = { versions: {}, startedAt: 1, endedAt: 2, fromStep: 0, toStep: 0, exit: 3 };
    await makeRun(base, {
      name: "failed",
      manifest: { status: "unfinished", attempts: [attempt] },
    });
    await makeRun(base, { name: "broken", rows: ["its rows"], latents: "its latents" });
    truncateSync(join(base, "broken", "run.json"), 10);
    const before = treeOf(base);
    const later = Date.now() + 1e9;
    assert.deepEqual((await prunable(base, later)).unreadable.map(({ name }) => name), ["broken"]);
    await prune(base, later);
    assert.deepEqual(treeOf(base), before);
    await remove(base, "broken");
    await prune(base, later);
    assert.deepEqual(readdirSync(base), [storeName]);
  }));

test("a folder that may not be looked into, or that the disk does not give, is a run that cannot be read", () =>
  withTemporaryFolder(async (base) => {
    const dir = await makeRun(base, { name: "shut", rows: ["its rows"] });
    const before = treeOf(base);
    const real = Effect.runSync(Files);
    const shut = <Args extends readonly [string, ...unknown[]], A, R>(
      look: (...args: Args) => Effect.Effect<A, PlatformError.PlatformError, R>,
      code: string,
    ) =>
    (...args: Args) => args[0].startsWith(dir) ? Effect.fail(refusal(dir, code)) : look(...args);
    for (const code of ["EACCES", "EIO"]) {
      const files = {
        ...real,
        stat: shut(real.stat, code),
        open: shut(real.open, code),
        readFile: shut(real.readFile, code),
        readFileString: shut(real.readFileString, code),
        readDirectoryEntries: shut(real.readDirectoryEntries, code),
      };
      const found = await Effect.runPromise(
        Effect.tap(findPrunable(base, null), (found) => removePrunable(base, found))
          .pipe(Effect.provideService(Files, files)),
      );
      assert.deepEqual(found.unreadable.map(({ name }) => name), ["shut"], code);
      assert.deepEqual(treeOf(base), before);
    }
  }));

test("a link to a run on a disk that is away is a run that cannot be read", () =>
  withTemporaryFolder(async (folder) => {
    const base = join(folder, "output");
    const dir = await makeRun(base, { name: "moved", rows: ["its rows"] });
    renameSync(dir, join(folder, "disk"));
    symlinkSync(join(folder, "disk"), dir);
    const mounted = treeOf(join(base, storeName));
    await prune(base, null);
    assert.deepEqual(treeOf(join(base, storeName)), mounted);
    renameSync(join(folder, "disk"), join(folder, "away"));
    assert.deepEqual((await prunable(base, null)).unreadable.map(({ name }) => name), ["moved"]);
    await prune(base, null);
    assert.deepEqual(treeOf(join(base, storeName)), mounted);
  }));

test("a deletion that the disk stops half-way says what removes the rest", () =>
  withTemporaryFolder(async (base) => {
    const dir = await makeRun(base, { name: "a", rows: ["its rows"] });
    const real = Effect.runSync(Files);
    const files: typeof real = {
      ...real,
      remove: (path, options) =>
        Effect.suspend(() =>
          path.includes(".deleted-") && existsSync(path)
            ? Effect.fail(refusal(path, "EIO"))
            : real.remove(path, options)
        ),
    };
    const fault = await Effect.runPromise(
      Effect.flip(Effect.flatMap(findRun("a", base), deleteRun))
        .pipe(Effect.provideService(Files, files)),
    );
    assert.match(fault.message, /\.deleted-a: wanted .*`runs prune --yes`/s);
    assert.ok(!existsSync(dir));
    await prune(base);
    assert.deepEqual(readdirSync(base), [storeName]);
  }));

test("what a linked run needs stays", () =>
  withTemporaryFolder(async (base) => {
    const elsewhere = join(base, ".elsewhere");
    await makeRun(base, { name: "linked", rows: ["needed"] });
    renameSync(join(base, "linked"), elsewhere);
    symlinkSync(elsewhere, join(base, "linked"), "dir");
    await prune(base);
    assert.deepEqual(texts(base), ["needed"]);
  }));

test("nothing is deleted or cleared up beside a training at work", () =>
  withTemporaryFolder(async (base) => {
    await makeRun(base, { name: "idle" });
    const dir = await makeRun(base, { name: "busy", rows: ["busy"] });
    const child = startChild(new URL("../testing/hold-lock.ts", import.meta.url).pathname, [dir]);
    await child.line("locked");
    await assert.rejects(prunable(base), RunsAtWork);
    await assert.rejects(remove(base, "busy"), RunLocked);
    child.process.kill("SIGKILL");
    await child.ended;
    await remove(base, "busy");
    await prune(base);
    assert.deepEqual(readdirSync(base).toSorted(), [storeName, "idle"]);
    assert.deepEqual(texts(base), []);
  }));
