// What goes on when the database is away: it waits and asks again, and it is said once.
// The trap: only the database's own failures pass; what a statement found out is an answer.
import { Cause, Effect } from "effect";
import { isSqlError, type SqlError } from "effect/sql/SqlError";

const askEvery = "500 millis";
/** Asking again would find the same. */
const answers: ReadonlySet<string> = new Set([
  "SqlSyntaxError",
  "AuthorizationError",
  "AuthenticationError",
  "ConstraintError",
  "UniqueViolation",
]);
/** Also the one that the queue wraps: it keeps the whole cause. */
const sqlErrorOf = (failure: unknown): SqlError | undefined => {
  if (isSqlError(failure)) return failure;
  const cause = (failure as { readonly cause?: unknown } | null)?.cause;
  return Cause.isCause(cause)
    ? cause.reasons.filter(Cause.isFailReason).map(({ error }) => error).find(isSqlError)
    : undefined;
};
const isAway = (failure: unknown) => {
  const found = sqlErrorOf(failure);
  return found !== undefined && !answers.has(found.reason._tag);
};

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
