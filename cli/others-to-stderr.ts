// With --json standard output holds events and nothing else, so what a stage or a package of it writes to
// the console goes to standard error meanwhile. Gives the stream for the events.
// The trap: Deno's console does not go through `process.stdout`, Node's does; both are turned aside.
import process from "node:process";
import { Effect, type Scope } from "effect";
import type { Screen } from "./status-line.ts";

const methods = ["log", "info", "debug", "table", "dir"] as const;

export const othersToStderr: Effect.Effect<Screen, never, Scope.Scope> = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => {
      const { stdout, stderr } = process;
      const write = stdout.write;
      const kept = methods.map((method) => [method, console[method]] as const);
      stdout.write = ((...args: Parameters<typeof write>) => stderr.write(...args)) as typeof write;
      for (const [method] of kept) console[method] = (...args: unknown[]) => console.error(...args);
      return { write, kept };
    }),
    ({ write, kept }) =>
      Effect.sync(() => {
        process.stdout.write = write;
        for (const [method, original] of kept) console[method] = original as typeof console.log;
      }),
  ),
  ({ write }) => ({ write: (text) => write.call(process.stdout, text) }),
);
