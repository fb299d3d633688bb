// Which of two copies of a run a command means, and when two runs cannot be compared; on a file.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Effect } from "effect";
import { fleetAt } from "../fleet/connection.ts";
import { withTables } from "../fleet/open-tables.ts";
import { planOf } from "../fleet/testing/toy-sweeps.ts";
import { writeSafetensors } from "../lib/safetensors/safetensors.ts";
import { withTemporaryFolder } from "../runtime/testing/temporary-folder.ts";
import { findAnywhere, inFleet, isElsewhere } from "./remote-runs.ts";

/** A fleet whose `run-1` is at a step, and a folder that has it at another and a run of its own. */
const withCopy = <A>(
  step: { readonly here: number; readonly there: number },
  look: (fleet: Effect.Success<ReturnType<typeof fleetAt>>) => Effect.Effect<A, unknown>,
): Promise<A> =>
  withTemporaryFolder(async (folder) => {
    const base = join(folder, "runs");
    for (const name of ["run-1", "alone"]) {
      mkdirSync(join(base, name), { recursive: true });
      writeFileSync(join(base, name, "run.json"), "{}");
      const state = join(base, name, "state.safetensors");
      await writeSafetensors(state, new Map(), { step: String(step.here) });
    }
    return await Effect.runPromise(Effect.gen(function* () {
      const fleet = yield* fleetAt(base);
      yield* withTables(fleet, (tables) =>
        Effect.gen(function* () {
          const segment = { sweep: "s", round: 0, trial: 1, until: null };
          yield* tables.submit(planOf(2));
          const claim = yield* tables.claim(segment, "");
          yield* tables.renew(segment, claim, step.there);
        }));
      return yield* look(fleet);
    }));
  });

test("a copy that another machine has further is not what is meant; one that is as far is", async () => {
  const isRemote = (here: number) =>
    withCopy(
      { here, there: 8 },
      (fleet) => Effect.map(findAnywhere("run-1", fleet), isElsewhere),
    );
  assert.equal(await isRemote(4), true);
  assert.equal(await isRemote(8), false);
});

test("a run that no sweep has is not compared with one that is elsewhere, and both are told of", () =>
  withCopy({ here: 8, there: 8 }, (fleet) =>
    Effect.gen(function* () {
      const here = yield* findAnywhere("alone", fleet);
      const elsewhere = yield* findAnywhere("run-2", fleet);
      assert.equal((yield* inFleet(elsewhere, fleet)).name, "run-2");
      assert.equal((yield* inFleet(yield* findAnywhere("run-1", fleet), fleet)).step, 8);
      const { message } = yield* Effect.flip(inFleet(here, fleet));
      assert.match(message, /^wanted two runs of .*found alone, which only the folder has/);
    })));
