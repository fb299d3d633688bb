import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { appendFileSync, readFileSync, renameSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { Clock, Effect } from "effect";
import { withTemporaryFolder } from "../runtime/testing/temporary-folder.ts";
import { openDigestCache } from "./digest-cache.ts";
import { openSharedWrite } from "./shared-write.ts";

const sha = (text: string) => createHash("sha256").update(text).digest("hex");
const hour = 3600 * 1000;

const opened = (cacheFile: string) =>
  Effect.flatMap(
    openSharedWrite(dirname(cacheFile)),
    (write) => openDigestCache(cacheFile, write),
  );

/** The same file system seen by somebody whose clock shows `ahead` milliseconds more. */
const withClock = <A, E>(ahead: number, effect: Effect.Effect<A, E>): Promise<A> =>
  Effect.runPromise(Effect.gen(function* () {
    const clock = yield* Clock.Clock;
    const shifted: Clock.Clock = Object.assign(Object.create(clock), {
      currentTimeMillisUnsafe: () => Date.now() + ahead,
      currentTimeMillis: Effect.sync(() => Date.now() + ahead),
    });
    return yield* effect.pipe(Effect.provideService(Clock.Clock, shifted));
  }));

const digestOnce = (cacheFile: string, path: string, ahead = 0) =>
  withClock(
    ahead,
    Effect.gen(function* () {
      const cache = yield* opened(cacheFile);
      const digest = yield* cache.digestFile(path);
      yield* cache.save;
      return digest;
    }),
  );

const remembers = (cacheFile: string, path: string) => {
  try {
    return Object.keys(JSON.parse(readFileSync(cacheFile, "utf8"))).includes(path);
  } catch {
    return false;
  }
};

test("is the SHA-256, remembered across openings and noticed when the file changes", () =>
  withTemporaryFolder(async (folder) => {
    const [cache, file] = [join(folder, "digests.json"), join(folder, "weights")];
    writeFileSync(file, "one");
    assert.equal(await digestOnce(cache, file, hour), sha("one"));
    assert.ok(remembers(cache, file));

    // Proof that the second answer comes from memory: what is remembered is replaced by a lie.
    const lie = readFileSync(cache, "utf8").replace(sha("one"), "f".repeat(64));
    writeFileSync(cache, lie);
    assert.equal(await digestOnce(cache, file, hour), "f".repeat(64));

    appendFileSync(file, "!");
    assert.equal(await digestOnce(cache, file, hour), sha("one!"));
  }));

test("same size and same modification time, other bytes: noticed by its change time or inode", () =>
  withTemporaryFolder(async (folder) => {
    const [cache, file] = [join(folder, "digests.json"), join(folder, "weights")];
    writeFileSync(file, "aaaa");
    utimesSync(file, 1000, 1000);
    assert.equal(await digestOnce(cache, file, hour), sha("aaaa"));
    writeFileSync(join(folder, "other"), "bbbb");
    utimesSync(join(folder, "other"), 1000, 1000);
    renameSync(join(folder, "other"), file);
    assert.equal(await digestOnce(cache, file, hour), sha("bbbb"));
  }));

test("a file touched just now is not remembered, with the clock right or set back", () =>
  withTemporaryFolder(async (folder) => {
    const [cache, file] = [join(folder, "digests.json"), join(folder, "weights")];
    writeFileSync(file, "fresh");
    assert.equal(await digestOnce(cache, file, 0), sha("fresh"));
    assert.equal(remembers(cache, file), false);
    // Clock set back by an hour: the file seems to come from the future, and stays correct.
    assert.equal(await digestOnce(cache, file, -hour), sha("fresh"));
    writeFileSync(file, "FRESH");
    assert.equal(await digestOnce(cache, file, -hour), sha("FRESH"));
  }));

test("a broken cache is no cache; a missing file is the user's fault", () =>
  withTemporaryFolder(async (folder) => {
    const [cache, file] = [join(folder, "digests.json"), join(folder, "weights")];
    writeFileSync(cache, '{"half');
    writeFileSync(file, "x");
    assert.equal(await digestOnce(cache, file), sha("x"));
    const error = await Effect.runPromise(Effect.flip(Effect.gen(function* () {
      return yield* (yield* opened(cache)).digestFile(join(folder, "nowhere"));
    })));
    assert.equal(error._tag, "FileMissing");
    assert.equal(error.kind, "user");
  }));
