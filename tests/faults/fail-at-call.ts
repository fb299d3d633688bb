// Loaded before the program (node --import), it stands between it and node:fs: it lists every operation on a
// file below a folder, and lets a chosen one fail as the kernel does, once or from then on.
// The trap: two stages work side by side, so a call is known by what it does to which file and how often that
// came before, and not by its place among all.
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import process from "node:process";
import { isMainThread } from "node:worker_threads";

const {
  GNOMIC_FAIL_BELOW: below,
  GNOMIC_FAIL_AT: at,
  GNOMIC_FAIL_CODE: code = "EIO",
  GNOMIC_FAIL_STICKY: sticky,
  GNOMIC_FAIL_LIST: list,
} = process.env;
const { appendFileSync } = fs;
type Call = (...args: unknown[]) => unknown;

const times = new Map<string, number>();
let failing = false;
/** Names of times and of chance are the same in every run. */
const plain = (path: string) =>
  path.replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{64}|\d{10}/g, "*")
    .replace(/\/[0-9a-f]{2}(\/|$)/g, "/*$1").replace(/\.\d+$/, ".*");

/** The error that this call is to fail with; undefined: none. Of an open file the system names no path. */
function refusal(
  what: string,
  path: unknown,
  isOpen = false,
): NodeJS.ErrnoException | undefined {
  if (!String(path).startsWith(below!)) return undefined;
  const label = `${what} ${plain(String(path).slice(below!.length))}`;
  const count = (times.get(label) ?? 0) + 1;
  times.set(label, count);
  // The lock's counter goes by the clock.
  if (list !== undefined && !label.includes("lock.json")) {
    appendFileSync(list, `${label} #${count}\n`);
  }
  const [wanted, number] = at?.split(" #") ?? [];
  if (label !== wanted) return undefined;
  failing ||= count === Number(number);
  if (!failing || (sticky === undefined && count > Number(number))) return undefined;
  const said = { code, errno: -5, syscall: what };
  return isOpen
    ? Object.assign(new Error(`${code}: injected, ${what}`), said)
    : Object.assign(new Error(`${code}: injected, ${what} '${path}'`), said, {
      path: String(path),
    });
}

if (isMainThread && below !== undefined) {
  const paths = new Map<unknown, unknown>();
  const functions = fs as unknown as Record<string, Call>;
  const promises = fs.promises as unknown as Record<string, Call>;
  const open = functions.open;
  functions.open = (path, flags, ...rest) => {
    const done = rest.pop() as Call;
    const error = refusal(flags === "r" ? "open to read" : "open to write", path);
    if (error !== undefined) return void process.nextTick(done, error);
    return open.call(fs, path, flags, ...rest, (error: unknown, fd: unknown) => {
      paths.set(fd, path);
      done(error, fd);
    });
  };
  /** By name: whether its first argument is a descriptor. */
  const watched: Readonly<Record<string, boolean>> = {
    read: true,
    write: true,
    fsync: true,
    rename: false,
    mkdir: false,
    readFile: false,
    rm: false,
  };
  for (const [name, byDescriptor] of Object.entries(watched)) {
    const real = functions[name];
    functions[name] = (...args) => {
      const error = refusal(name, byDescriptor ? paths.get(args[0]) : args[0], byDescriptor);
      if (error === undefined) return real.apply(fs, args);
      // A full disk takes a part.
      if (name === "write" && args[1] instanceof Uint8Array && args[1].length > 1) {
        fs.writeSync(args[0] as number, args[1].subarray(0, args[1].length >> 1));
      }
      process.nextTick(args.at(-1) as Call, error);
    };
  }
  const openHandle = promises.open;
  promises.open = async (path, ...rest) => {
    const error = refusal("open", path);
    if (error !== undefined) throw error;
    const handle = await openHandle.call(fs.promises, path, ...rest) as Record<string, Call>;
    for (const name of ["read", "readFile", "write", "writeFile", "sync"]) {
      const real = handle[name];
      handle[name] = (...args) => {
        const error = refusal(name, path, true);
        return error === undefined ? real.apply(handle, args) : Promise.reject(error);
      };
    }
    return handle;
  };
  for (const name of ["rename", "mkdir", "readFile", "readdir", "rm"]) {
    const real = promises[name];
    promises[name] = (...args) => {
      const error = refusal(name, args[0]);
      return error === undefined ? real.apply(fs.promises, args) : Promise.reject(error);
    };
  }
  syncBuiltinESMExports();
}
