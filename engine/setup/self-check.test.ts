import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

test("the shipped copy of the golden case is the one that the tests know", () => {
  const shipped = fileURLToPath(new URL("../assets/self-check/", import.meta.url));
  const golden = fileURLToPath(new URL("../../tests/golden/a/", import.meta.url));
  const files = readdirSync(shipped, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== "README.md")
    .map(({ parentPath, name }) => relative(shipped, join(parentPath, name)));
  assert.ok(files.length > 10);
  for (const file of files) {
    assert.deepEqual(readFileSync(join(shipped, file)), readFileSync(join(golden, file)), file);
  }
});
