// What a user's file does while it is loaded, or its function while it makes a stage, is waited for, but not
// for ever.
// The trap: a file that waits at its top for what never comes would end the process without a word, since
// nothing is left to do; the timer keeps it until that can be said. And what a file imports may be fetched first
// (a package, an address), which takes what it takes: that is not counted.
import { randomUUID } from "node:crypto";

const patience = 60;

/** Rejects when it has not come so many seconds after `from`. */
export async function inTime<A>(
  comes: Promise<A> | A,
  seconds = patience,
  from: Promise<void> = Promise.resolve(),
): Promise<A> {
  const { promise: never, reject } = Promise.withResolvers<never>();
  let ended = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  void from.then(() => {
    if (ended) return;
    const found =
      `it still waits for something after ${seconds} s, such as an \`await\` at its top`;
    timer = setTimeout(() => reject(new Error(found)), seconds * 1000);
  });
  try {
    return await Promise.race([comes, never]);
  } finally {
    ended = true;
    clearTimeout(timer);
  }
}

const awaited = new Map<string, () => void>();

/** Said by a module that is evaluated (evaluation-mark.ts): all that is imported with it is there. */
export const begins = (mark: string): void => awaited.get(mark)?.();

/** Imports a module; only what it does itself is timed, from when all that it imports is there. */
export async function importInTime(
  url: string,
  seconds = patience,
): Promise<Readonly<Record<string, unknown>>> {
  const mark = new URL(`./evaluation-mark.ts?${randomUUID()}`, import.meta.url).href;
  const { promise: loaded, resolve } = Promise.withResolvers<void>();
  awaited.set(mark, resolve);
  // Modules are evaluated in the order of their imports, and none before all of them are loaded.
  const both = `import ${JSON.stringify(mark)};export * as module from ${JSON.stringify(url)};`;
  try {
    const comes = import(`data:text/javascript,${encodeURIComponent(both)}`);
    return (await inTime(comes, seconds, loaded)).module;
  } finally {
    awaited.delete(mark);
  }
}
