// A script of the project in a process of its own, under the same runtime as the test.
import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { scriptCommand } from "../platform/runtime.ts";
import type { Runtime } from "./other-runtime.ts";

export interface Child {
  readonly process: ChildProcess;
  /** Resolves with the first line of stdout that fits; rejects if the process ends before. */
  readonly line: (text: string | RegExp) => Promise<string>;
  readonly ended: Promise<
    { readonly code: number | null; readonly stdout: string; readonly stderr: string }
  >;
}

/** What a program that is asked to stop ends with. */
const asked: Readonly<Record<string, number>> = { SIGINT: 130, SIGTERM: 143 };

export function startChild(
  script: string,
  args: readonly string[],
  options: {
    readonly cwd?: string;
    readonly env?: Readonly<Record<string, string>>;
    /** Another one than runs the test. */
    readonly runtime?: Runtime;
  } = {},
): Child {
  const [command, all] = options.runtime?.command(script, args) ?? scriptCommand(script, ...args);
  const child = spawn(command, all, {
    stdio: ["ignore", "pipe", "pipe"],
    cwd: options.cwd,
    env: { ...process.env, NO_COLOR: "1", ...options.env },
  });
  let [stdout, stderr] = ["", ""];
  const waiting = new Set<() => void>();
  const heard = () => waiting.forEach((look) => look());
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    heard();
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => stderr += text);
  const ended = new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) =>
    // Deno gives the signal that was sent instead of the exit code, also to a child that handled it.
    child.on("close", (code, signal) =>
      resolve({ code: code ?? asked[signal ?? ""] ?? null, stdout, stderr }))
  );
  const line = (wanted: string | RegExp) =>
    new Promise<string>((resolve, reject) => {
      const look = () => {
        const found = stdout.split("\n").find((each) => each.search(wanted) >= 0);
        if (found === undefined) return;
        waiting.delete(look);
        resolve(found);
      };
      waiting.add(look);
      look();
      ended.then(() => reject(new Error(`ended without ${wanted}:\n${stdout}\n${stderr}`)));
    });
  return { process: child, line, ended };
}
