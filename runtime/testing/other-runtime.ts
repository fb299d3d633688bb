// The runtime that does not run this test, for runs that begin under one and end under the other.
// The trap: only what is on this machine already counts (PATH, or the cache of npx); tests need no
// network. A `node` that is too old to run the program does not count. Where there is none tests skip,
// unless GNOMIC_REQUIRE_PEERS=1.
import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import process from "node:process";
import { otherScriptCommand, runtimeVersion } from "../platform/runtime.ts";

export interface Runtime {
  /** The command line that runs a script with it. */
  readonly command: (
    script: string,
    args: readonly string[],
  ) => readonly [command: string, args: readonly string[]];
}

const outputOf = (command: string, ...args: readonly string[]): string | null => {
  const { status, stdout } = spawnSync(command, args, { encoding: "utf8", cwd: tmpdir() });
  return status === 0 ? stdout.trim() : null;
};

const isRecent = (version: string | null): boolean => {
  const [major, minor] = (version ?? "0.0").split(".").map(Number);
  return major > 22 || (major === 22 && minor >= 19);
};

/** A Node that can run the program, whichever runtime runs this. */
export const findNode = (): string | null =>
  isRecent(outputOf("node", "-p", "process.versions.node"))
    ? "node"
    : outputOf("npx", "--offline", "-y", "node@22", "-p", "process.execPath");

const findDeno = (): string | null =>
  outputOf("deno", "eval", "-p", "Deno.execPath()") ??
    outputOf("npx", "--offline", "-y", "deno@2.9.6", "eval", "-p", "Deno.execPath()");

const isDeno = runtimeVersion.startsWith("deno");
const executable = isDeno ? findNode() : findDeno();
export const otherRuntime: Runtime | null = executable === null ? null : {
  command: (script, args) => [executable, otherScriptCommand(script, ...args)],
};

const missing = `there is no ${isDeno ? "Node 22.19 or later" : "Deno"} on this machine`;
if (otherRuntime === null && process.env.GNOMIC_REQUIRE_PEERS === "1") throw new Error(missing);
export const skipWithoutOther: string | false = otherRuntime === null && missing;
