import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "node:test";
import { Effect } from "effect";
import { fullDisk } from "../runtime/testing/full-disk.ts";
import { recordingFiles } from "../runtime/testing/recording-files.ts";
import { withTemporaryFolder } from "../runtime/testing/temporary-folder.ts";
import { atomicWrite, makeFolder } from "./atomic-write.ts";
import { Files } from "./files.ts";

test("the file is synced, renamed, and then its folder is synced", () =>
  withTemporaryFolder(async (folder) => {
    const recording = recordingFiles();
    await Effect.runPromise(
      atomicWrite(join(folder, "state"), "new").pipe(
        Effect.provideService(Files, recording.files),
      ),
    );
    assert.deepEqual(recording.log, [
      "write state.tmp",
      "sync state.tmp",
      "rename state.tmp state",
      `sync ${basename(folder)}`,
    ]);
    assert.equal(readFileSync(join(folder, "state"), "utf8"), "new");
  }));

test("on a full disk the old content stays, nothing is left over, and the fault says so", () =>
  withTemporaryFolder(async (folder) => {
    const path = join(folder, "state");
    writeFileSync(path, "old");
    const error = await Effect.runPromise(Effect.flip(
      atomicWrite(path, "new content").pipe(
        Effect.provideService(Files, fullDisk((at) => at.includes("state"))),
      ),
    ));
    assert.equal(error._tag, "DiskFault");
    assert.equal(error.kind, "world");
    assert.match(error.message, /full disk \(ENOSPC\).*Free some space/s);
    assert.equal(readFileSync(path, "utf8"), "old");
    assert.deepEqual(readdirSync(folder), ["state"]);
  }));

test("a folder without rights is the user's to change", () =>
  withTemporaryFolder(async (folder) => {
    for (const code of ["EROFS", "EACCES", "EPERM"]) {
      const error = await Effect.runPromise(Effect.flip(
        atomicWrite(join(folder, "a"), "x").pipe(
          Effect.provideService(Files, fullDisk(() => true, code)),
        ),
      ));
      assert.equal(error.kind, "user");
      assert.ok(error.message.includes(code) && error.message.includes("--output"));
    }
  }));

test("a new folder's name is made durable too", () =>
  withTemporaryFolder(async (folder) => {
    const recording = recordingFiles();
    const made = join(folder, "a", "b");
    await Effect.runPromise(
      makeFolder(made).pipe(Effect.provideService(Files, recording.files)),
    );
    assert.ok(existsSync(made));
    assert.deepEqual(recording.log, [`sync ${basename(folder)}`, "sync a"]);
  }));
