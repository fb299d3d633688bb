import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { withTemporaryFolder } from "../runtime/testing/temporary-folder.ts";
import { inTime } from "./in-time.ts";

test("a file that waits at its top for what never comes is given up; what comes is handed on", () =>
  withTemporaryFolder(async (folder) => {
    const file = join(folder, "hangs.mjs");
    writeFileSync(file, "await new Promise(() => {}); export default 1;");
    // Without the timer nothing would be left to do here, and the process would end.
    await assert.rejects(inTime(import(pathToFileURL(file).href), 0.01), /still waits .* 0\.01 s/);
    assert.equal(await inTime(Promise.resolve(7), 60), 7);
    await assert.rejects(inTime(Promise.reject(new Error("its own")), 60), /its own/);
  }));
