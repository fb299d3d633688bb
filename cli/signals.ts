// Ctrl-C: the first asks for a soft stop, another one later stops at once. npm and npx pass a Ctrl-C on to
// their child, which has it already, so one that comes within a second is the same one.
// The trap: a command that offers no soft stop is stopped at once by the first. And a terminal that closes
// (SIGHUP) does not concern who has none: started by nohup, by a service or for a file, it goes on.
import process from "node:process";
import { constants } from "node:os";

const sameWithinMs = 1000;
const watched = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

let soft: (() => void) | undefined;

/** A command says how it stops softly; call the result when it no longer can. */
export function onSoftStop(stop: () => void): () => void {
  soft = stop;
  return () => soft = undefined;
}

/** nohup takes all three away from a terminal. */
const hasTerminal = (): boolean =>
  [process.stdin, process.stdout, process.stderr].some(({ isTTY }) => isTTY);

export interface Signals {
  /** 128 + the number of the signal that came, as shells count; null: none came. */
  readonly exitCode: () => number | null;
  readonly release: () => void;
}

/** From now on signals stop softly, or call `hard`. */
export function catchSignals(
  hard: () => void,
  now = () => performance.now(),
  terminal = hasTerminal(),
): Signals {
  let first: { readonly name: typeof watched[number]; readonly at: number } | undefined;
  const handlers = watched.map((name) => {
    const handler = () => {
      if (name === "SIGHUP" && !terminal) return;
      if (first !== undefined && now() - first.at < sameWithinMs) return;
      const again = first !== undefined;
      first = { name, at: now() };
      if (again || soft === undefined) hard();
      else soft();
    };
    process.on(name, handler);
    return { name, handler };
  });
  return {
    exitCode: () => first === undefined ? null : 128 + constants.signals[first.name],
    release: () => handlers.forEach(({ name, handler }) => process.off(name, handler)),
  };
}
