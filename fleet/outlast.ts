// What goes on when the database is away: it waits and asks again, and it is said once.
// The trap: only the database's own failures pass; what a statement found out is an answer. And one failure is no
// outage: a connection that broke, or one that was begun before the return and is refused after it.
import { Cause, Effect } from "effect";
import { isSqlError, type SqlError } from "effect/sql/SqlError";

const askEvery = "500 millis";
/** So many failures in a row. */
const outageAfter = 2;
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

/** Asks until the database answers. `away` is told once, when it failed twice in a row, `back` when it then does. */
export const outlast = <A, E, R>(
  ask: Effect.Effect<A, E, R>,
  told: { readonly away?: () => void; readonly back?: () => void } = {},
): Effect.Effect<A, E, R> =>
  Effect.gen(function* () {
    for (let failures = 0;;) {
      const found = yield* Effect.result(ask);
      if (found._tag === "Success") {
        if (failures >= outageAfter) told.back?.();
        return found.success;
      }
      if (!isAway(found.failure)) return yield* Effect.fail(found.failure);
      failures++;
      if (failures === outageAfter) told.away?.();
      yield* Effect.sleep(askEvery);
    }
  });
