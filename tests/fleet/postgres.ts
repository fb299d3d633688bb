// A PostgreSQL of its own for a test: in a temporary folder, on a free port of this machine, with passwords.
// The trap: PostgreSQL refuses to run as root, so under root it runs as `postgres`.
import { spawnSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after } from "node:test";
import { gnomic } from "../end-to-end/project.ts";

const base = "/usr/lib/postgresql";

/** The programs of the newest PostgreSQL; null: none is installed. */
export const postgresPrograms = (): string | null => {
  const versions = existsSync(base)
    ? readdirSync(base).toSorted((a, b) => Number(b) - Number(a))
    : [];
  return versions.length === 0 ? null : join(base, versions[0], "bin");
};

const wanted = process.env.GNOMIC_FLEET_TESTS === "1";
if (wanted && postgresPrograms() === null) throw new Error("no PostgreSQL in /usr/lib/postgresql");

/** What every test here is given: skipped, unless it is asked for. */
export const fleetTests: { readonly skip: false | string } = {
  skip: wanted ? false : "GNOMIC_FLEET_TESTS=1 runs it",
};

const freePort = () =>
  new Promise<number>((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });

export interface Postgres {
  /** Of a role with rights on rows alone, as workers have it. */
  readonly address: string;
  /** Of who may make tables. */
  readonly owner: string;
  /** Runs SQL as the owner; what it prints. */
  readonly sql: (text: string) => string;
  /** The server's process. */
  readonly pid: () => number;
  /** What it wrote to its log. */
  readonly log: () => string;
  readonly start: () => void;
  /** As a crash: at once, nothing is written. */
  readonly crash: () => void;
  readonly remove: () => void;
}

/**
 * The database of a file of tests, removed after them; null: they are skipped. `named`: what the process itself
 * asks of a fleet finds it by GNOMIC_FLEET, until then: under Deno the next file's tests are in the same process.
 */
export async function postgresForTests({ named = false } = {}): Promise<Postgres | null> {
  if (fleetTests.skip !== false) return null;
  const postgres = await startPostgres();
  if (named) process.env.GNOMIC_FLEET = postgres.address;
  after(() => {
    if (named) delete process.env.GNOMIC_FLEET;
    postgres.remove();
  });
  return postgres;
}

/** With the tables of a fleet, unless `bare`. */
export async function startPostgres(
  { bare = false, certificate }: {
    readonly bare?: boolean;
    /** With TLS; both as PEM. */
    readonly certificate?: { readonly key: string; readonly certificate: string };
  } = {},
): Promise<Postgres> {
  const bin = postgresPrograms()!;
  const folder = mkdtempSync(join(tmpdir(), "gnomic-pg-"));
  const user = process.getuid?.() === 0
    ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    : [];
  // The server that `pg_ctl` starts would keep a pipe open.
  const spoken = (silent: boolean, args: readonly string[]) => {
    const [command, ...rest] = [...user, ...args];
    const { status, stderr, stdout } = spawnSync(command, rest, {
      encoding: "utf8",
      stdio: ["ignore", silent ? "ignore" : "pipe", "pipe"],
      cwd: "/",
    });
    if (status !== 0) throw new Error(`${args.join(" ")}: ${stderr}`);
    return stdout ?? "";
  };
  const run = (...args: string[]) => spoken(true, args);
  writeFileSync(join(folder, "password"), "gnome\n");
  const id = user.length === 0
    ? null
    : Number(spawnSync("id", ["-u", "postgres"], { encoding: "utf8" }).stdout);
  if (id !== null) {
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
  if (certificate !== undefined) {
    for (
      const [name, text] of [["server.key", certificate.key], [
        "server.crt",
        certificate.certificate,
      ]]
    ) {
      writeFileSync(join(data, name), text, { mode: 0o600 });
      if (id !== null) chownSync(join(data, name), id, id);
    }
    appendFileSync(join(data, "postgresql.conf"), "ssl = on\n");
  }
  start();
  const addressOf = (role: string) => `postgres://${role}:gnome@127.0.0.1:${port}/postgres`;
  const owner = addressOf("gnome");
  const sql = (text: string) =>
    spoken(false, [join(bin, "psql"), "-qAt", "-v", "ON_ERROR_STOP=1", "-d", owner, "-c", text]);
  sql("CREATE ROLE worker LOGIN PASSWORD 'gnome'");
  if (!bare) {
    const { code, stderr } = await gnomic(["fleet", "migrate", "--grant", "worker"], {
      env: { GNOMIC_FLEET: owner },
    });
    if (code !== 0) throw new Error(stderr);
  }
  return {
    address: addressOf("worker"),
    owner,
    sql,
    pid: () => Number(readFileSync(join(data, "postmaster.pid"), "utf8").split("\n")[0]),
    log: () => readFileSync(join(folder, "log"), "utf8"),
    start,
    crash: () => control("-m", "immediate", "stop"),
    remove: () => {
      control("-m", "immediate", "stop");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
