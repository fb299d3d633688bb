// Runs that workers trained come into the folder of runs one by one: a damaged one keeps no other. And a folder of
// blobs that is not there is not made while what runs has its own in it; on a file.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Effect } from "effect";
import { writeSafetensors } from "../lib/safetensors/safetensors.ts";
import { CorruptBlob } from "../runtime/store/blob-store.ts";
import { withTemporaryFolder } from "../runtime/testing/temporary-folder.ts";
import { type Blobs, folderBlobs } from "./blobs.ts";
import { fleetAt } from "./connection.ts";
import { fleetBlobs } from "./fleet-blobs.ts";
import { withTables } from "./open-tables.ts";
import { bringRuns, sendRuns } from "./runs-of-sweep.ts";
import { planOf } from "./testing/toy-sweeps.ts";

test("a damaged run is said and the others are brought; a share that is not mounted is not made anew", () =>
  withTemporaryFolder(async (folder) => {
    const [there, here] = [join(folder, "there"), join(folder, "here")];
    const plan = planOf(2, { base: there });
    for (const { run } of plan.trials) {
      mkdirSync(join(there, run), { recursive: true });
      writeFileSync(join(there, run, "run.json"), "{}");
      await writeSafetensors(join(there, run, "state.safetensors"), new Map(), { step: "900" });
    }
    const said: string[] = [];
    await Effect.runPromise(Effect.gen(function* () {
      const fleet = yield* fleetAt(here);
      const blobs = yield* folderBlobs(join(folder, "blobs"));
      yield* withTables(fleet, (tables) =>
        Effect.gen(function* () {
          yield* tables.submit(plan, yield* sendRuns(plan, blobs));
          const unmounted = join(folder, "unmounted");
          const { message } = yield* Effect.flip(fleetBlobs(fleet, unmounted));
          assert.match(message, /unmounted: .*found no \.gnomic-blobs in it\. Mount it/);
          assert.equal(existsSync(unmounted), false);
          const reached = { step: 900, loss: 1, best: null, seconds: 1, machine: "m", files: [] };
          for (const { number } of plan.trials) {
            const segment = { sweep: "s", round: 0, trial: number, until: null };
            yield* tables.record(segment, { outcome: "done", ...reached });
          }
          const [{ snapshots: [first] }] = yield* tables.runs("s");
          const damaged: Blobs = {
            ...blobs,
            get: (blob) =>
              blob.digest !== first.digest ? blobs.get(blob) : Effect.fail(
                new CorruptBlob({ wanted: "its bytes", found: "others", fix: "Look." }),
              ),
          };
          yield* bringRuns({ ...plan, base: here }, damaged, (line) => said.push(line));
          yield* tables.end("s", "done");
          yield* fleetBlobs(fleet, unmounted);
          assert.equal(existsSync(unmounted), true);
        }));
    }));
    assert.deepEqual(plan.trials.map(({ run }) => existsSync(join(here, run))), [false, true]);
    assert.match(said.join("\n"), /^The snapshot of run-1 .*\nrun-1 is not brought: /s);
  }));
