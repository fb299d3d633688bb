// The shared database of a fleet, from `GNOMIC_FLEET`: a PostgreSQL that sweeps and workers of several
// machines speak to. Nothing listens but the database.
// The trap: the address holds a password. It is in no message, no log and no child's environment.
import process from "node:process";
import { Effect, Layer, Redacted } from "effect";
import * as PgClient from "@effect/sql-pg/PgClient";
import type * as SqlClient from "effect/sql/SqlClient";
import type { SqlError } from "effect/sql/SqlError";
import { fault } from "../lib/fault.ts";

export class FleetAddress extends fault("FleetAddress", "user") {}

const loopback = new Set(["localhost", "127.0.0.1", "::1", "[::1]", ""]);

/** The address, if there is one. */
export const fleetAddress = (): string | undefined => process.env.GNOMIC_FLEET || undefined;

/** Host, port and database, without who and how. */
export function shownAddress(address: string): string {
  if (!URL.canParse(address)) return "GNOMIC_FLEET";
  const { host, pathname } = new URL(address);
  return `postgres://${host}${pathname}`;
}

/** A pool for one process; encrypted and verified unless the database is on this machine. */
export const postgresLayer = (
  address: string,
): Layer.Layer<SqlClient.SqlClient, SqlError | FleetAddress> =>
  Layer.unwrap(Effect.suspend(() => {
    const url = URL.canParse(address) ? new URL(address) : null;
    if (url === null || !/^postgres(ql)?:$/.test(url.protocol)) {
      return Effect.fail(
        new FleetAddress({
          key: "GNOMIC_FLEET",
          wanted: "postgres://USER:PASSWORD@HOST:PORT/DATABASE",
          found: "another form of address",
          fix: "Correct it; special characters of a password are written as %40 and the like.",
        }),
      );
    }
    const here = loopback.has(url.hostname);
    if (!here && url.searchParams.get("sslmode") === "disable") {
      return Effect.fail(
        new FleetAddress({
          key: "GNOMIC_FLEET",
          wanted: "TLS to a database on another machine",
          found: "sslmode=disable",
          fix: "Remove it, or reach the database through a tunnel on localhost.",
        }),
      );
    }
    return Effect.succeed(PgClient.layer({
      host: url.hostname.replace(/^\[|\]$/g, "") || "localhost",
      port: Number(url.port || 5432),
      database: decodeURIComponent(url.pathname.slice(1)),
      username: decodeURIComponent(url.username),
      password: Redacted.make(decodeURIComponent(url.password)),
      ssl: !here,
      maxConnections: 8,
      connectTimeout: "5 seconds",
      applicationName: "gnomic",
    }));
  }));
