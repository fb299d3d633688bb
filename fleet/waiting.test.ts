// What an idle worker asks of the database: each sweep once a look, however much of it waits.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { Duration, Effect } from "effect";
import { withTemporaryFolder } from "../runtime/testing/temporary-folder.ts";
import { embeddedLayer } from "./engine.ts";
import { Members } from "./members.ts";
import { Sweep } from "./sweep-workflow.ts";
import { Tables } from "./tables.ts";
import { planOf } from "./testing/toy-sweeps.ts";
import { runWorker } from "./worker.ts";

test("a worker that leaves all to others asks for their sweep once a look", () =>
  withTemporaryFolder((folder) =>
    Effect.runPromise(
      Effect.scoped(Effect.gen(function* () {
        const [tables, members] = [yield* Tables, yield* Members];
        yield* tables.submit(planOf(5));
        yield* Sweep.execute({ sweep: "s", round: 0 }, { discard: true });
        while ((yield* members.items).length < 5) yield* Effect.sleep("20 millis");
        const { findSweep, waiting } = tables;
        let [looks, asked] = [0, 0];
        Object.assign(tables, {
          findSweep: (name: string) =>
            Effect.suspend(() => {
              asked++;
              return findSweep(name);
            }),
          waiting: (lease: Duration.Duration) =>
            Effect.suspend(() => {
              looks++;
              return waiting(lease);
            }),
        });
        yield* Effect.forkScoped(runWorker({
          ...{ name: "w", slots: 1, lease: Duration.seconds(1), say: () => {} },
          train: () => Effect.never,
          lookEvery: Duration.millis(20),
          accepts: () => Effect.succeed({ fits: false, why: "not here" }),
        }));
        while (looks < 5) yield* Effect.sleep("20 millis");
        assert.ok(asked >= 4 && asked <= looks, `${asked} in ${looks} looks`);
      })).pipe(Effect.provide(embeddedLayer(join(folder, "fleet.db")))) as Effect.Effect<void>,
    )
  ));
