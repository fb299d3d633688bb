// Where the readers of runs, the page and the report, which are promises, ask what is an Effect: the one place in
// observe/ that runs any. The trap: what fails is thrown as it is, a Fault.
import { Effect } from "effect";

export const ask = <A, E>(effect: Effect.Effect<A, E>): Promise<A> => Effect.runPromise(effect);
