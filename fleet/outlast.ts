// What goes on when the database is away: it waits and asks again, and it is said once.
// The trap: only the database's own failures pass; what a statement found out is an answer.
import { Effect } from "effect";
import { isSqlError } from "effect/sql/SqlError";

const askEvery = "500 millis";
/** Asking again would find the same. */
const answers: ReadonlySet<string> = new Set([
  "SqlSyntaxError",
  "AuthorizationError",
  "AuthenticationError",
  "ConstraintError",
  "UniqueViolation",
]);
const isAway = (failure: unknown) => isSqlError(failure) && !answers.has(failure.reason._tag);

/** Asks until the database answers. `away` is told once, `back` when it does. */
export const outlast = <A, E, R>(
  ask: Effect.Effect<A, E, R>,
  told: { readonly away?: () => void; readonly back?: () => void } = {},
): Effect.Effect<A, E, R> =>
  Effect.gen(function* () {
    let away = false;
    for (;;) {
      const found = yield* Effect.result(ask);
      if (found._tag === "Success") {
        if (away) told.back?.();
        return found.success;
      }
      if (!isAway(found.failure)) return yield* Effect.fail(found.failure);
      if (!away) told.away?.();
      away = true;
      yield* Effect.sleep(askEvery);
    }
  });
