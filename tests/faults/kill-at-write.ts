// Loaded before the program (node --import), it stands between it and node:fs: it lists every change of a
// file below a folder, and kills the process right before a chosen one.
// The trap: two stages write side by side, so a change is known by what it does to which file and how often
// that came before, and not by its place among all.
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import process from "node:process";
import { isMainThread } from "node:worker_threads";

const { GNOMIC_KILL_BELOW: below, GNOMIC_KILL_AT: at, GNOMIC_KILL_LIST: list } = process.env;
const { appendFileSync } = fs;
type Call = (...args: unknown[]) => unknown;

const times = new Map<string, number>();
/** Names of times and of chance are the same in every run. */
const plain = (path: string) =>
  path.replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{64}|\d{10}/g, "*");

function change(what: string, path: unknown, said = "") {
  // The lock's counter goes by the clock.
  if (!String(path).startsWith(below!) || String(path).includes("lock.json")) return;
  const label = [what, plain(String(path).slice(below!.length)), said].join(" ");
  const count = (times.get(label) ?? 0) + 1;
  times.set(label, count);
  if (list !== undefined) appendFileSync(list, `${label} #${count}\n`);
  if (`${label} #${count}` !== at) return;
  process.kill(process.pid, "SIGKILL");
  for (;;); // it takes a moment
}

/** Which event a line of the log is. */
const eventIn = (bytes: unknown) =>
  bytes instanceof Uint8Array
    ? /"event":"([a-z-]+)"/.exec(new TextDecoder().decode(bytes.subarray(0, 60)))?.[1]
    : undefined;

if (isMainThread && below !== undefined) {
  const replace = (where: object, name: string, before: (args: unknown[]) => void) => {
    const functions = where as Record<string, Call>;
    const real = functions[name];
    functions[name] = (...args) => {
      before(args);
      return real.apply(where, args);
    };
  };
  const files = new Map<unknown, unknown>();
  const open = fs.open as Call;
  (fs as unknown as Record<string, Call>).open = (path, flags, ...rest) => {
    const done = rest.pop() as Call;
    return open.call(fs, path, flags, ...rest, (error: unknown, fd: unknown) => {
      if (flags === "r") files.delete(fd);
      else files.set(fd, path);
      done(error, fd);
    });
  };
  replace(fs, "write", ([fd, bytes]) => change("write", files.get(fd), eventIn(bytes)));
  for (const where of [fs, fs.promises]) {
    for (const name of ["rename", "rm", "unlink", "truncate", "writeFile"]) {
      replace(where, name, ([path]) => change(name, path));
    }
  }
  syncBuiltinESMExports();
}
