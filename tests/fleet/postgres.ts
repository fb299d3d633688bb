// A PostgreSQL of its own for a test: in a temporary folder, on a free port of this machine, with passwords.
// The trap: PostgreSQL refuses to run as root, so under root it runs as `postgres`.
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

const base = "/usr/lib/postgresql";

/** The programs of the newest PostgreSQL; null: none is installed. */
export const postgresPrograms = (): string | null => {
  const versions = existsSync(base)
    ? readdirSync(base).toSorted((a, b) => Number(b) - Number(a))
    : [];
  return versions.length === 0 ? null : join(base, versions[0], "bin");
};

const freePort = () =>
  new Promise<number>((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });

export interface Postgres {
  readonly address: string;
  readonly start: () => void;
  /** As a crash: at once, nothing is written. */
  readonly crash: () => void;
  readonly remove: () => void;
}

export async function startPostgres(): Promise<Postgres> {
  const bin = postgresPrograms()!;
  const folder = mkdtempSync(join(tmpdir(), "gnomic-pg-"));
  const user = process.getuid?.() === 0
    ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    : [];
  const run = (...args: string[]) => {
    const [command, ...rest] = [...user, ...args];
    const { status, stderr } = spawnSync(command, rest, {
      encoding: "utf8",
      stdio: ["ignore", "ignore", "pipe"],
      cwd: "/",
    });
    if (status !== 0) throw new Error(`${args.join(" ")}: ${stderr}`);
  };
  writeFileSync(join(folder, "password"), "gnome\n");
  if (user.length > 0) {
    const id = Number(spawnSync("id", ["-u", "postgres"], { encoding: "utf8" }).stdout);
    for (const path of [folder, join(folder, "password")]) chownSync(path, id, id);
  }
  chmodSync(folder, 0o700);
  const data = join(folder, "data");
  const port = await freePort();
  run(
    join(bin, "initdb"),
    ...["-D", data, "-A", "scram-sha-256", "-U", "gnome", "--pwfile", join(folder, "password")],
  );
  const control = (...args: string[]) => run(join(bin, "pg_ctl"), "-D", data, "-w", ...args);
  const start = () =>
    control(
      ...["-l", join(folder, "log"), "-o"],
      `-h 127.0.0.1 -p ${port} -k ${folder} -c fsync=off`,
      "start",
    );
  start();
  return {
    address: `postgres://gnome:gnome@127.0.0.1:${port}/postgres`,
    start,
    crash: () => control("-m", "immediate", "stop"),
    remove: () => {
      control("-m", "immediate", "stop");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
