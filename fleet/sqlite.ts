// An SqlClient over `node:sqlite`, which Node and Deno both have: one file, one connection, one statement at
// a time. The trap: the module announces itself as experimental under Node 22; that one warning is kept off
// the terminal, and no other.
import process from "node:process";
import { Effect, Layer, Semaphore, Stream } from "effect";
import * as Reactivity from "effect/reactivity/Reactivity";
import * as SqlClient from "effect/sql/SqlClient";
import type { Connection } from "effect/sql/SqlConnection";
import { classifySqliteError, SqlError } from "effect/sql/SqlError";
import * as Statement from "effect/sql/Statement";

/** Imports `node:sqlite` without its warning. */
async function sqlite(): Promise<typeof import("node:sqlite")> {
  const { emitWarning } = process;
  process.emitWarning = ((warning: string | Error, ...rest: unknown[]) => {
    if (!String(warning).includes("SQLite is an experimental feature")) {
      (emitWarning as (...args: unknown[]) => void).call(process, warning, ...rest);
    }
  }) as typeof process.emitWarning;
  try {
    return await import("node:sqlite");
  } finally {
    process.emitWarning = emitWarning;
  }
}

const plain = (value: unknown) =>
  value instanceof Date
    ? value.toISOString()
    : typeof value === "boolean"
    ? Number(value)
    : value ?? null;

/** A client of the file, made where it is missing; other processes may hold it open, too. */
export const sqliteLayer = (
  file: string,
): Layer.Layer<SqlClient.SqlClient, SqlError> =>
  Layer.effect(
    SqlClient.SqlClient,
    Effect.gen(function* () {
      const attempt = <A>(operation: string, work: () => A) =>
        Effect.try({
          try: work,
          catch: (cause) =>
            new SqlError({ reason: classifySqliteError(cause, { message: operation, operation }) }),
        });
      const { DatabaseSync } = yield* Effect.promise(sqlite);
      const database = yield* Effect.acquireRelease(
        attempt("open", () => new DatabaseSync(file)),
        (open) => Effect.sync(() => open.close()),
      );
      yield* attempt("settings", () => {
        database.exec("PRAGMA busy_timeout = 5000");
        database.exec("PRAGMA journal_mode = WAL");
        database.exec("PRAGMA synchronous = NORMAL");
      });
      const all = (sql: string, params: readonly unknown[]) =>
        attempt("execute", () => {
          const statement = database.prepare(sql);
          return statement.all(...params.map(plain) as any[]) as Record<string, unknown>[];
        });
      const values = (sql: string, params: readonly unknown[]) =>
        Effect.map(all(sql, params), (rows) => rows.map((row) => Object.values(row)));
      const execute: Connection["execute"] = (sql, params, transform) =>
        Effect.map(all(sql, params), (rows) => transform === undefined ? rows : transform(rows));
      const connection: Connection = {
        execute,
        executeUnprepared: execute,
        executeRaw: all,
        executeValues: values,
        executeValuesUnprepared: values,
        executeStream: (sql, params, transform) =>
          Stream.unwrap(Effect.map(execute(sql, params, transform), Stream.fromIterable)),
      };
      const acquirers = SqlClient.makeSqliteAcquirers({
        connection: Effect.succeed(connection),
        semaphore: yield* Semaphore.make(1),
      });
      return yield* SqlClient.make({
        ...acquirers,
        compiler: Statement.makeCompilerSqlite(),
        driver: "sqlite",
        spanAttributes: [],
        beginTransaction: "BEGIN IMMEDIATE",
      });
    }),
  ).pipe(Layer.provide(Reactivity.layer));
