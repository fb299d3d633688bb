// The program under a Deno that lets it do less, as a child of its own; and what its tasks grant.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { lacking } from "./permissions.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const skip = !("Deno" in globalThis) || process.platform === "win32";

// By way of a shell, because Deno hands its own rights on to a Deno that it starts itself.
const start = (...args: string[]) =>
  spawnSync("sh", ["-c", `exec "${process.execPath}" run --no-prompt ${args.join(" ")}`], {
    cwd: root,
    encoding: "utf8",
    timeout: 60_000,
  });

test(
  "without permissions: one line that says what is missing, and an end",
  { skip },
  () => {
    for (const granted of [[], ["--allow-read"], ["--allow-read", "--allow-env", "--allow-sys"]]) {
      const { status, stdout, stderr } = start(...granted, "cli/main.ts", "runs", "list");
      assert.deepEqual([status, stdout], [2, ""], stderr);
      assert.match(
        stderr,
        /^gnomic lacks Deno's permission for .*write.*: .*deno run runs list.*\n$/,
      );
    }
  },
);

test("a task that reads and writes files alone does with that", { skip }, () => {
  const { tasks } = JSON.parse(readFileSync(`${root}/deno.json`, "utf8"));
  const [, , ...words] = (tasks.embedding as string).split(" ");
  assert.ok(!words.includes("-A"));
  const file = "tests/golden/a/expected.safetensors";
  const { status, stderr } = start(...words, "check", file);
  assert.ok(status === 0 || status === 2, stderr);
  assert.ok(!/permission|NotCapable|defect/.test(stderr), stderr);
});

test("what is lacking is what the command needs and was not granted", () => {
  const granting = (...names: string[]) => ({
    querySync: ({ name }: { name: string }) => ({
      state: names.includes(name) ? "granted" : "prompt",
    }),
  });
  assert.deepEqual(lacking("embedding", granting("read", "write", "env", "sys")), []);
  assert.deepEqual(lacking("runs", granting("read", "write", "env", "sys")), ["net", "run", "ffi"]);
  assert.deepEqual(lacking(undefined, granting()).length, 7);
});
