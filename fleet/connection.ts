// Where the sweeps of a folder of runs are kept: a SQLite file in it, or the PostgreSQL that `GNOMIC_FLEET`
// or `--fleet FILE` names, which several machines speak to. Nothing listens but the database.
// The trap: the address holds a password. It is in no message, no log, no command line and no child's
// environment, so it comes from the environment or from a file that only its owner reads.
import { readFileSync, statSync } from "node:fs";
import { hostname } from "node:os";
import process from "node:process";
import { Effect, Layer, Redacted } from "effect";
import type * as SqlClient from "effect/sql/SqlClient";
import type { SqlError } from "effect/sql/SqlError";
import { type Fault, fault } from "../lib/fault.ts";
import { fleetFile } from "./fleet-files.ts";
import { sqliteLayer } from "./sqlite.ts";

export class FleetAddress extends fault("FleetAddress", "user") {}

export interface Fleet {
  /** The folder of runs. */
  readonly base: string;
  /** Whether other machines may be part of it. */
  readonly shared: boolean;
  /** The file, or host, port and database, without who and how. */
  readonly shown: string;
  readonly database: Layer.Layer<SqlClient.SqlClient, SqlError>;
}

export interface FleetChoice {
  /** A file with the address (`--fleet`); null: GNOMIC_FLEET. */
  readonly file: string | null;
  /** Whether a connection to another machine may be one without TLS. */
  readonly insecure: boolean;
}

const isAddress = (text: string) => /^[a-z]+:\/\//i.test(text);
const form = "postgres://USER:PASSWORD@HOST:PORT/DATABASE";

/** The address in a file that nobody else can read. */
const inFile = (file: string, key: string): Effect.Effect<string, FleetAddress> =>
  Effect.suspend(() => {
    const refuse = (wanted: string, found: string, fix: string) =>
      Effect.fail(new FleetAddress({ key, file, wanted, found, fix }));
    const wanted = `a file with ${form}`;
    let mode: number;
    let text: string;
    try {
      mode = statSync(file).mode;
      text = readFileSync(file, "utf8");
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      return refuse(wanted, `none that can be read (${code})`, "Write one, with mode 600.");
    }
    if (process.platform !== "win32" && (mode & 0o077) !== 0) {
      const found = `mode ${(mode & 0o777).toString(8)}`;
      return refuse("a file that only you can read", found, `chmod 600 ${file}`);
    }
    return Effect.succeed(text.trim());
  });

const loopback = new Set(["localhost", "127.0.0.1", "::1", "[::1]", ""]);

interface Named {
  readonly database: Fleet["database"];
  readonly shown: string;
}

/** Encrypted and verified unless the database is on this machine. */
const postgres = (
  text: string,
  key: string,
  insecure: boolean,
): Effect.Effect<Named, FleetAddress> =>
  Effect.suspend(() => {
    const refuse = (wanted: string, found: string, fix: string) =>
      Effect.fail(new FleetAddress({ key, wanted, found, fix }));
    const url = URL.canParse(text) ? new URL(text) : null;
    if (url === null || !/^postgres(ql)?:$/.test(url.protocol)) {
      const fix = "Correct it; special characters of a password are written as %40 and the like.";
      return refuse(form, "another form of address", fix);
    }
    const option = (name: string) => url.searchParams.get(name);
    const host = option("host") ?? url.hostname.replace(/^\[|\]$/g, "");
    const here = loopback.has(host) || host.startsWith("/");
    const modes = ["disable", "require", "verify-ca", "verify-full"];
    const mode = option("sslmode");
    if (mode !== null && !modes.includes(mode)) {
      return refuse(`sslmode=${modes.join(", ")} or none`, mode, "TLS is always verified here.");
    }
    if (!here && mode === "disable" && !insecure) {
      const fix =
        "Remove it, give --insecure, or reach the database through a tunnel on localhost.";
      return refuse("TLS to a database on another machine", "sslmode=disable", fix);
    }
    const encrypted = mode === null ? !here : mode !== "disable";
    const root = option("sslrootcert");
    let ca: string | undefined;
    try {
      if (root !== null) ca = readFileSync(root, "utf8");
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      return refuse("the certificate that sslrootcert names", `${code}`, "Correct the path.");
    }
    const port = Number(url.port || 5432);
    return Effect.succeed({
      shown: `postgres://${option("host") ?? url.host}${url.pathname}`,
      // Loaded only where it is used.
      database: Layer.unwrap(Effect.map(
        Effect.promise(() => import("@effect/sql-pg/PgClient")),
        (PgClient) =>
          PgClient.layer({
            host: host || "localhost",
            port,
            database: decodeURIComponent(url.pathname.slice(1)),
            username: decodeURIComponent(url.username),
            password: Redacted.make(decodeURIComponent(url.password)),
            ssl: encrypted ? (ca === undefined ? true : { ca }) : false,
            maxConnections: 8,
            connectTimeout: "5 seconds",
            applicationName: `gnomic ${hostname()} ${process.pid}`,
          }),
      )),
    });
  });

/** Where the sweeps of a folder are; connects to nothing. */
export const fleetAt = (
  base: string,
  { file, insecure }: FleetChoice = { file: null, insecure: false },
): Effect.Effect<Fleet, Fault> =>
  Effect.gen(function* () {
    const key = file === null ? "GNOMIC_FLEET" : "--fleet";
    const given = file ?? process.env.GNOMIC_FLEET ?? "";
    if (given === "") {
      const own = fleetFile(base);
      return { base, shared: false, shown: own, database: sqliteLayer(own) };
    }
    if (file !== null && isAddress(file)) {
      return yield* new FleetAddress({
        key,
        wanted: "a file with the address, with mode 600",
        found: "the address itself, which everybody on this machine can see",
        fix: "Write it into a file, or into the environment as GNOMIC_FLEET.",
      });
    }
    const text = isAddress(given) ? given : yield* inFile(given, key);
    return { base, shared: true, ...yield* postgres(text, key, insecure) };
  });
