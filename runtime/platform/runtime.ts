// Which runtime this is, and how a script is started with it. Deno and Node differ here and nowhere else.
// The trap: under Deno `process.versions.node` exists too, so ask for Deno first.
import process from "node:process";

const deno = (globalThis as { Deno?: { version: { deno: string } } }).Deno;

/** e.g. "deno 2.9.6", "node 22.19.0". */
export const runtimeVersion: string = deno === undefined
  ? `node ${process.versions.node}`
  : `deno ${deno.version.deno}`;

/** The command line that runs a script of this project with the runtime that runs this. */
export const scriptCommand = (
  script: string,
  ...args: readonly string[]
): readonly [command: string, args: readonly string[]] => [
  process.execPath,
  deno === undefined ? [script, ...args] : ["run", "-A", "-q", script, ...args],
];

/**
 * What the other runtime is given to run the script, for those who start with one and go on with the other.
 * By itself Deno would set up node_modules anew, under the feet of whoever runs from what npm installed.
 */
export const otherScriptCommand = (
  script: string,
  ...args: readonly string[]
): readonly string[] =>
  deno === undefined
    ? ["run", "-A", "-q", "--node-modules-dir=manual", script, ...args]
    : [script, ...args];

/** How the user calls a command of this project here: through npx, a task of deno or npm, or directly. */
export function callerOf(
  denoVersion: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): string {
  if (denoVersion === undefined) {
    return env.npm_lifecycle_event === undefined ? "node cli/main.ts" : "npm run";
  }
  return env.npm_lifecycle_event === "npx" ? `npx -y deno@${denoVersion} run` : "deno run";
}

export const program: string = callerOf(deno?.version.deno, process.env);

/** A word of a command line, so that a shell takes it as it is. */
export const quoted = (word: string, platform: string = process.platform): string =>
  /^[\w@%+=:,./-]+$/.test(word) && !(platform === "win32" && word.includes("%"))
    ? word
    : platform === "win32"
    ? `"${word.replaceAll('"', '\\"')}"`
    : `'${word.replaceAll("'", "'\\''")}'`;

/** The same command again, as the user would type it. npm needs `--` before options. */
export function sameCommand(name: string, args: readonly string[]): string {
  const separator = program === "npm run" && args.some((arg) => arg.startsWith("-")) ? ["--"] : [];
  return [program, name, ...separator, ...args.map((arg) => quoted(arg))].join(" ");
}
