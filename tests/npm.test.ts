// npm reads the project's `.npmrc` above every command: it must know all that stands there, and no package's
// script may run or fetch anything at an installation. (That a clean `npm ci` fetches packages alone follows:
// no script of a package runs, and the lock names no address of its own.)
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const npm = (...args: readonly string[]) =>
  spawnSync("npm", [...args, "--offline"], {
    cwd: root,
    encoding: "utf8",
    shell: process.platform === "win32",
    env: { ...process.env, npm_config_update_notifier: "false" },
  });
const skip = npm("--version").status !== 0 && "there is no npm";

test("npm runs no scripts of packages, and warns of nothing", { skip }, () => {
  const { stdout, stderr } = npm("config", "get", "ignore-scripts");
  assert.deepEqual([stdout.trim(), stderr], ["true", ""]);
});

test("npm ci would take what the lock names and nothing else", { skip }, () => {
  const { status, stderr } = npm("ci", "--dry-run");
  // The machine's own Node may be too old for the program, and Deno runs the suite all the same.
  const said = stderr.split("\n").filter((line) => !line.startsWith("npm warn EBADENGINE"));
  assert.deepEqual([status, said.join("\n")], [0, ""]);
  const lock = JSON.parse(readFileSync(`${root}/package-lock.json`, "utf8"));
  const { dependencies, devDependencies } = JSON.parse(
    readFileSync(`${root}/package.json`, "utf8"),
  );
  assert.deepEqual(lock.packages[""].dependencies, dependencies);
  assert.deepEqual(lock.packages[""].devDependencies, devDependencies);
  for (const [path, entry] of Object.entries<{ resolved?: string }>(lock.packages)) {
    assert.equal(entry.resolved, undefined, path);
  }
});
