// The time of the database, in milliseconds since 1970, as a piece of SQL: machines of a fleet need not
// agree on the time.
import type * as SqlClient from "effect/sql/SqlClient";
import type { Fragment } from "effect/sql/Statement";

export const databaseNow = (sql: SqlClient.SqlClient): Fragment =>
  sql.literal(sql.onDialectOrElse({
    pg: () => "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)",
    orElse: () => "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)" as string,
  }));
