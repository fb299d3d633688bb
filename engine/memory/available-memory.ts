// How much more memory this process may take: what the machine has free, or what the control groups that
// the process is in (a container, a systemd unit) leave it, whichever is less. Pages of files count as
// free, because the kernel gives them up.
// The trap: version 1 and 2 of control groups name and place everything differently, and a limit may be
// set on any group above the process's own.
import { readFile } from "node:fs/promises";
import { freemem } from "node:os";
import { dirname, join } from "node:path";

export interface AvailableMemory {
  readonly bytes: number;
  /** What sets the limit, in words. */
  readonly by: string;
}

const text = (path: string): Promise<string> => readFile(path, "utf8").catch(() => "");

/** A count of bytes; undefined for "max", for no file, and for version 1's "no limit" (2^63). */
function bytesIn(content: string): number | undefined {
  const bytes = Number.parseInt(content, 10);
  return Number.isNaN(bytes) || bytes > 2 ** 60 ? undefined : bytes;
}

const field = (content: string, name: string): number =>
  Number(new RegExp(`^${name}:?\\s+(\\d+)`, "m").exec(content)?.[1] ?? Number.NaN);

interface Hierarchy {
  readonly mount: string;
  readonly group: string;
  readonly limit: string;
  readonly usage: string;
  readonly inactive: string;
}

/** The memory hierarchies that /proc/self/cgroup says this process is in. */
async function hierarchies(root: string): Promise<readonly Hierarchy[]> {
  const lines = (await text(join(root, "proc/self/cgroup"))).split("\n");
  return lines.flatMap((line): Hierarchy[] => {
    const [, controllers, group] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers === "") {
      const mount = join(root, "sys/fs/cgroup");
      return [{
        mount,
        group,
        limit: "memory.max",
        usage: "memory.current",
        inactive: "inactive_file",
      }];
    }
    if (controllers?.split(",").includes("memory") !== true) return [];
    return [{
      mount: join(root, "sys/fs/cgroup/memory"),
      group,
      limit: "memory.limit_in_bytes",
      usage: "memory.usage_in_bytes",
      inactive: "total_inactive_file",
    }];
  });
}

/** What the groups from the process's own up to the root leave free. */
async function leftByGroups(root: string): Promise<readonly AvailableMemory[]> {
  const left: AvailableMemory[] = [];
  for (const { mount, group, limit, usage, inactive } of await hierarchies(root)) {
    // In a container the path may lie outside what is mounted there; the mount is then the own group.
    for (let path = group;; path = dirname(path)) {
      const folder = join(mount, path);
      const most = bytesIn(await text(join(folder, limit)));
      const used = bytesIn(await text(join(folder, usage)));
      if (most !== undefined && used !== undefined) {
        const files = field(await text(join(folder, "memory.stat")), inactive) || 0;
        left.push({ bytes: Math.max(0, most - used + files), by: `control group ${path}` });
      }
      if (path === "/" || path === ".") break;
    }
  }
  return left;
}

/** `root` stands in for the file system's root in tests. */
export async function availableMemory(root = "/"): Promise<AvailableMemory> {
  const free = field(await text(join(root, "proc/meminfo")), "MemAvailable") * 1024;
  const machine = { bytes: Number.isNaN(free) ? freemem() : free, by: "the machine's free memory" };
  const all = [machine, ...await leftByGroups(root)];
  return all.reduce((least, other) => other.bytes < least.bytes ? other : least);
}
