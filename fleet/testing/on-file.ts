// The real engine on a file, for tests, and waiting for what happens in it.
import { join } from "node:path";
import { test } from "node:test";
import { Effect } from "effect";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { embeddedLayer } from "../engine.ts";
import { Tables } from "../tables.ts";

export const onFile = <A>(folder: string, work: Effect.Effect<A, any, any>): Promise<A> =>
  Effect.runPromise(
    Effect.scoped(work).pipe(
      Effect.provide(embeddedLayer(join(folder, "fleet.db"))),
    ) as Effect.Effect<A>,
  );

/** A test with the tables of an engine of its own, in a folder of its own. */
export const inEngine = (
  name: string,
  work: (tables: Tables["Service"], folder: string) => Effect.Effect<void, any, any>,
) =>
  test(
    name,
    () =>
      withTemporaryFolder((folder) =>
        onFile(folder, Effect.flatMap(Tables, (tables) => work(tables, folder)))
      ),
  );

export const until = <E, R>(holds: Effect.Effect<boolean, E, R>) =>
  Effect.gen(function* () {
    while (!(yield* holds)) yield* Effect.sleep("20 millis");
  });

/** Until a sweep runs no more and nobody holds a run of it. */
export const settle = (name: string) =>
  Effect.gen(function* () {
    const tables = yield* Tables;
    while ((yield* tables.findSweep(name))!.state === "running") yield* Effect.sleep("50 millis");
    while ((yield* tables.runs(name)).some(({ worker }) => worker !== "")) {
      yield* Effect.sleep("50 millis");
    }
  });
