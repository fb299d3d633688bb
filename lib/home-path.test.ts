import assert from "node:assert/strict";
import { homedir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { homePath } from "./home-path.ts";

test("~ is the home folder, another one's or blanks at the ends are refused, all else stays", () => {
  assert.equal(homePath("~"), homedir());
  assert.equal(homePath("~/a b/c"), join(homedir(), "a b/c"));
  for (const path of ["a", "/a/~/b", "a~", "./~", "C:\\a", "owner/name", "a b"]) {
    assert.equal(homePath(path), path);
  }
  for (const path of ["~me", "~me/a", " a", "a ", "a\n"]) {
    assert.equal(typeof homePath(path), "object", path);
  }
});
