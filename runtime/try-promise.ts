// A promise as an Effect, for the edge between plain TypeScript and Effect: what it throws becomes a fault.
// The trap: the signal is aborted when the Effect is interrupted; work that takes long has to heed it.
import { Effect } from "effect";
import type { Fault } from "../engine/fault.ts";
import { asFault } from "./as-fault.ts";

export const tryPromise = <A>(
  run: (signal: AbortSignal) => A | Promise<A>,
): Effect.Effect<A, Fault> =>
  Effect.tryPromise({ try: async (signal) => await run(signal), catch: asFault });
