// The real engine on a file, for tests, and the wait for the end of a sweep in it.
import { join } from "node:path";
import { Effect } from "effect";
import { embeddedLayer } from "../engine.ts";
import { Tables } from "../tables.ts";

export const onFile = <A>(folder: string, work: Effect.Effect<A, any, any>): Promise<A> =>
  Effect.runPromise(
    Effect.scoped(work).pipe(
      Effect.provide(embeddedLayer(join(folder, "fleet.db"))),
    ) as Effect.Effect<A>,
  );

/** Until a sweep runs no more and nobody holds a run of it. */
export const settle = (name: string) =>
  Effect.gen(function* () {
    const tables = yield* Tables;
    while ((yield* tables.findSweep(name))!.state === "running") yield* Effect.sleep("50 millis");
    while ((yield* tables.runs(name)).some(({ worker }) => worker !== "")) {
      yield* Effect.sleep("50 millis");
    }
  });
