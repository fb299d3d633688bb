// The tables of a fleet: gnomic's own, numbered, and those of the engine and the queue. A file's are made by
// whoever opens it; a PostgreSQL's by `fleet migrate`, as their owner, since workers have rights on rows alone.
// The trap: a migration that is landed is never changed; what comes later is another one.
import { Effect, Layer } from "effect";
import * as SqlMessageStorage from "effect/cluster/SqlMessageStorage";
import * as SqlRunnerStorage from "effect/cluster/SqlRunnerStorage";
import * as PersistedQueue from "effect/persistence/PersistedQueue";
import * as Migrator from "effect/sql/Migrator";
import * as SqlClient from "effect/sql/SqlClient";
import type { SqlError } from "effect/sql/SqlError";
import { fault } from "../lib/fault.ts";

export class FleetTables extends fault("FleetTables", "user") {}

const migration = (
  make: (sql: SqlClient.SqlClient) => readonly Effect.Effect<unknown, unknown>[],
) => Effect.flatMap(SqlClient.SqlClient, (sql) => Effect.all(make(sql), { discard: true }));

const migrations = {
  "0001_sweeps": migration((sql) => [
    sql`CREATE TABLE IF NOT EXISTS gnomic_sweeps (
      name VARCHAR(255) PRIMARY KEY, plan TEXT NOT NULL, state VARCHAR(20) NOT NULL,
      round INTEGER NOT NULL, more INTEGER NOT NULL, started_at BIGINT NOT NULL)`,
    sql`CREATE TABLE IF NOT EXISTS gnomic_runs (
      sweep VARCHAR(255) NOT NULL, trial INTEGER NOT NULL, fence INTEGER NOT NULL,
      attempts INTEGER NOT NULL, claimed_step INTEGER NOT NULL, worker VARCHAR(255) NOT NULL,
      step INTEGER NOT NULL, until INTEGER NOT NULL, seen_at BIGINT NOT NULL,
      PRIMARY KEY (sweep, trial))`,
    sql`CREATE TABLE IF NOT EXISTS gnomic_results (
      sweep VARCHAR(255) NOT NULL, trial INTEGER NOT NULL, until INTEGER NOT NULL,
      round INTEGER NOT NULL, outcome TEXT NOT NULL, PRIMARY KEY (sweep, trial, until))`,
  ]),
  "0002_workers": migration((sql) => [
    sql`CREATE TABLE gnomic_workers (
      name VARCHAR(255) PRIMARY KEY, about TEXT NOT NULL, seen_at BIGINT NOT NULL)`,
    sql.onDialectOrElse({
      pg: () =>
        sql`CREATE TABLE gnomic_requests (
          id BIGSERIAL PRIMARY KEY, run VARCHAR(255) NOT NULL, request TEXT NOT NULL,
          asked_at BIGINT NOT NULL, answer TEXT)`,
      orElse: () =>
        sql`CREATE TABLE gnomic_requests (
          id INTEGER PRIMARY KEY AUTOINCREMENT, run VARCHAR(255) NOT NULL, request TEXT NOT NULL,
          asked_at BIGINT NOT NULL, answer TEXT)`,
    }),
  ]),
  "0003_snapshots": migration((sql) => [
    sql`ALTER TABLE gnomic_runs ADD COLUMN snapshot TEXT`,
    sql`ALTER TABLE gnomic_runs ADD COLUMN snapshot_before TEXT`,
  ]),
};
const table = "gnomic_migrations";
const newest = Object.keys(migrations).length;

const ownMigrations = Migrator.make({})({ loader: Migrator.fromRecord(migrations), table });

/** Makes every table, or brings it up to date; the names of gnomic's own that were made. */
export const migrate = Effect.gen(function* () {
  yield* refuseNewer;
  const done = yield* ownMigrations;
  yield* Effect.scoped(Layer.build(Layer.mergeAll(
    SqlMessageStorage.layerMigrations({}),
    SqlRunnerStorage.layerMigrations({}),
    PersistedQueue.layerStoreSql(), // it has no separate migrations: opening it is how they run
  )));
  return done.map(([, name]) => name);
});

const isTable = /^[a-z][a-z0-9_]*$/;

/** Gives a role what a worker needs: rows of these tables, and nothing else. */
export const grant = (role: string) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient;
    const found = yield* sql<{ name: string; kind: string }>`
      SELECT c.relname AS name, c.relkind AS kind FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'S')
        AND (c.relname LIKE 'gnomic\\_%' OR c.relname LIKE 'cluster\\_%'
          OR c.relname LIKE 'effect\\_queue%')`;
    for (const { name, kind } of found.filter(({ name }) => isTable.test(name))) {
      yield* kind === "r"
        ? sql`GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE ${sql(name)} TO ${sql(role)}`
        : sql`GRANT USAGE, SELECT ON SEQUENCE ${sql(name)} TO ${sql(role)}`;
    }
  });

const latest = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient;
  const tables = yield* sql.onDialectOrElse({
    pg: () => sql`SELECT 1 WHERE to_regclass(${table}) IS NOT NULL`,
    orElse: () => sql`SELECT 1 FROM sqlite_master WHERE name = ${table}`,
  });
  if (tables.length === 0) return 0;
  const [row] = yield* sql<{ id: number | null }>`
    SELECT MAX(migration_id) AS id FROM ${sql(table)}`;
  return Number(row.id ?? 0);
});

const refuseNewer = Effect.gen(function* () {
  const has = yield* latest;
  if (has <= newest) return has;
  return yield* new FleetTables({
    wanted: `tables of this version of gnomic (${newest}) or before`,
    found: `those of a newer one (${has})`,
    fix: "Update gnomic on this machine.",
  });
});

/** Brings the tables of a file up to date. */
const fileTables = Layer.effectDiscard(
  Effect.flatMap(refuseNewer, (has) => has === newest ? Effect.void : ownMigrations),
);

const sharedTables = Layer.effectDiscard(Effect.gen(function* () {
  const has = yield* refuseNewer;
  if (has === newest) return;
  return yield* new FleetTables({
    wanted: `the tables of a fleet (${newest})`,
    found: has === 0 ? "none" : `those of an older version (${has})`,
    fix: "`fleet migrate`, with an address of their owner, makes them.",
  });
}));

/** Before anything else: a file's are brought up to date, those of a PostgreSQL are only looked at. */
export const tablesFor = (
  shared: boolean,
): Layer.Layer<never, SqlError | Migrator.MigrationError | FleetTables, SqlClient.SqlClient> =>
  shared ? sharedTables : fileTables;
