// What a shell makes of a command that is printed to be pasted: asked of the shell itself.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import process from "node:process";
import { test } from "node:test";
import { callerOf, quoted } from "./runtime.ts";

const words = [
  "plain",
  "--set",
  "a=b",
  "two words",
  "it's",
  "$HOME",
  "`id`",
  "$(id)",
  'say "hi"',
  "back\\slash",
  "a;b&c|d>e",
  "~",
  "*",
  "!!",
  "",
  "new\nline",
  "{a: [1, 2]}",
  "#",
];

test(
  "every word comes out of a shell as it went in",
  { skip: process.platform === "win32" },
  () => {
    for (const shell of ["sh", "bash"]) {
      const script = `for word in ${words.map((word) => quoted(word)).join(" ")}; do ` +
        `printf '%s\\0' "$word"; done`;
      const { stdout } = spawnSync(shell, ["-c", script], { encoding: "utf8" });
      assert.deepEqual(stdout.split("\0").slice(0, -1), words, shell);
    }
  },
);

test("a command begins as the user's did", () => {
  assert.equal(callerOf("2.9.6", { npm_lifecycle_event: "npx" }), "npx -y deno@2.9.6 run");
  assert.equal(callerOf("2.9.6", {}), "deno run");
  assert.equal(callerOf(undefined, { npm_lifecycle_event: "pipeline" }), "npm run");
  assert.equal(callerOf(undefined, {}), "node cli/main.ts");
});
