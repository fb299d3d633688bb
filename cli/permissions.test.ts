// The program under a Deno that lets it do less, as a child of its own; and what its tasks grant.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { ownIdentity } from "../lib/process-identity.ts";
import { makeRun } from "../runtime/testing/make-run.ts";
import { withTemporaryFolder } from "../runtime/testing/temporary-folder.ts";
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

test(
  "clearing up does with files alone, and takes every lock for held",
  { skip },
  () =>
    withTemporaryFolder(async (base) => {
      const { tasks } = JSON.parse(readFileSync(`${root}/deno.json`, "utf8"));
      const [, , ...words] = (tasks["runs:prune"] as string).split(" ");
      assert.ok(!words.some((word) => /^-A|--allow-(all|net|run|ffi)/.test(word)));
      const dir = await makeRun(base, { name: "a", step: 3, latents: "of this run" });
      await makeRun(base, { name: "b", latents: "of the other" });
      rmSync(join(base, "b"), { recursive: true });
      const lock = join(dir, "lock.json");
      writeFileSync(lock, JSON.stringify({ ...ownIdentity(), token: "t", beat: 1 }));
      const held = start(...words, "--output", base, "--yes");
      assert.equal(held.status, 2, held.stderr);
      assert.match(held.stderr, /no training at work .*found a \(process \d+\)/s);
      rmSync(lock);
      const { status, stdout, stderr } = start(...words, "--output", base, "--yes");
      assert.deepEqual([status, stderr], [0, ""]);
      assert.match(stdout, /refers to: 4\./);
    }),
);

test("what is lacking is what the command needs and was not granted", () => {
  const granting = (...names: string[]) => ({
    querySync: ({ name }: { name: string }) => ({
      state: names.includes(name) ? "granted" : "prompt",
    }),
  });
  assert.deepEqual(lacking(["embedding"], granting("read", "write", "env", "sys")), []);
  const few = granting("read", "write", "env", "sys");
  assert.deepEqual(lacking(["runs", "list"], few), ["net", "run", "ffi"]);
  assert.deepEqual(lacking(["runs", "prune", "--yes"], few), []);
  assert.deepEqual(lacking([], granting()).length, 7);
});
