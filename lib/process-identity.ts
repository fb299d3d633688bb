// Which process this is, so that another one can tell whether it still lives: process ids are given again,
// so the start time and the boot belong to it. Operating systems differ here, and this file knows how.
// The trap: a process of another host or container cannot be judged; the answer is then "unknown".
import { execFileSync } from "node:child_process";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import process from "node:process";
import { Schema } from "effect";

export const ProcessIdentity = Schema.Struct({
  pid: Schema.Int,
  /** Opaque, e.g. clock ticks since boot. */
  started: Schema.String,
  boot: Schema.String,
  host: Schema.String,
});
export type ProcessIdentity = typeof ProcessIdentity.Type;

const attempt = (read: () => string): string => {
  try {
    return read().trim();
  } catch {
    return "";
  }
};

const command = (name: string, ...args: string[]) =>
  attempt(() =>
    execFileSync(name, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] })
  );

/** `started` of a living process, "" if there is none. A zombie is dead. */
function startedOf(pid: number): string {
  if (process.platform === "linux") {
    const stat = attempt(() => readFileSync(`/proc/${pid}/stat`, "utf8"));
    // The name in parentheses may hold anything, so fields are counted after its end.
    const [state, ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return state === "Z" || state === "X" ? "" : fields[18] ?? "";
  }
  if (process.platform === "win32") {
    return command("powershell", "-NoProfile", "-c", `(Get-Process -Id ${pid}).StartTime.Ticks`);
  }
  const line = command("ps", "-o", "stat=,lstart=", "-p", String(pid));
  return line.startsWith("Z") ? "" : line.replace(/^\S+\s+/, "");
}

function bootId(): string {
  if (process.platform === "linux") {
    return attempt(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8"));
  }
  return process.platform === "darwin" ? command("sysctl", "-n", "kern.bootsessionuuid") : "";
}

/** Containers may share a host's name; their process ids count separately. */
const hostId = () =>
  `${hostname()} ${
    process.platform === "linux" ? attempt(() => readlinkSync("/proc/self/ns/pid")) : ""
  }`.trim();

let own: ProcessIdentity | undefined;

export const ownIdentity = (): ProcessIdentity =>
  own ??= { pid: process.pid, started: startedOf(process.pid), boot: bootId(), host: hostId() };

export function lives(other: ProcessIdentity): "alive" | "dead" | "unknown" {
  const here = ownIdentity();
  if (other.host !== here.host) return "unknown";
  // Who may not even look at himself (Deno without -A reads no /proc) knows nothing of others.
  if (here.started === "") return "unknown";
  // Started anew since, or another machine of the same name that shares the folder: nobody can tell.
  if (other.boot !== here.boot) return "unknown";
  return startedOf(other.pid) === other.started && other.started !== "" ? "alive" : "dead";
}
