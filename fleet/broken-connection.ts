// What effect gives as a defect when a connection breaks: a transaction that could not be rolled back, and an engine
// that loses its database while it starts. The database is away then as it is in any other statement.
// The trap: defects pass whoever waits for a database, and end the process.
import { Effect } from "effect";
import { isSqlError, type SqlError } from "effect/sql/SqlError";

export const asFailure = <A, E, R>(
  work: Effect.Effect<A, E, R>,
): Effect.Effect<A, E | SqlError, R> =>
  Effect.catchDefect(
    work,
    (defect) => isSqlError(defect) ? Effect.fail(defect) : Effect.die(defect),
  );
