// Several results as one: everything that is wrong is said at once.
import { Effect, Result } from "effect";
import { allFaults, type Fault } from "./fault.ts";

/** All of them, or all their faults. */
export const together = <A>(
  results: readonly Result.Result<A, Fault>[],
): Effect.Effect<readonly A[], Fault> => {
  const faults = results.flatMap((each) => Result.isFailure(each) ? each.failure : []);
  return faults.length > 0
    ? Effect.fail(allFaults(faults))
    : Effect.succeed(results.flatMap((each) => Result.isSuccess(each) ? [each.success] : []));
};
