// Folders made with those above them, and what is said where that cannot be.
import assert from "node:assert/strict";
import { statSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { withTemporaryFolder } from "../runtime/testing/temporary-folder.ts";
import { errnoOf } from "./disk-fault.ts";
import { makeFolders } from "./make-folders.ts";

test("folders are made with those above them, by several at once and where they are there", () =>
  withTemporaryFolder(async (folder) => {
    const deep = join(folder, "a", "b", "c");
    await Promise.all([makeFolders(deep), makeFolders(deep), makeFolders(join(folder, "a", "d"))]);
    await makeFolders(deep);
    assert.ok(statSync(deep).isDirectory() && statSync(join(folder, "a", "d")).isDirectory());
  }));

test("a file in the way is said as the system's own recursive call says it", () =>
  withTemporaryFolder(async (folder) => {
    const file = join(folder, "file");
    writeFileSync(file, "");
    const codeOf = (made: Promise<unknown>) => made.then(() => "made", errnoOf);
    for (const path of [file, join(file, "below")]) {
      const wanted = await codeOf(mkdir(path, { recursive: true }));
      assert.equal(await codeOf(makeFolders(path)), wanted, path);
    }
  }));
