// A snapshot of which any part could not be sent leaves the run's row as it was, is said once, and the newest is
// sent when the blobs are back: for a full disk, a folder that is read-only and one that is gone.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Duration, Effect, Fiber, Latch } from "effect";
import { diskFault } from "../lib/disk-fault.ts";
import { writeSafetensors } from "../lib/safetensors/safetensors.ts";
import { withTemporaryFolder } from "../runtime/testing/temporary-folder.ts";
import { type Blobs, folderBlobs } from "./blobs.ts";
import type { SnapshotMark } from "./snapshot.ts";
import { snapshotsOf } from "./snapshots-of-run.ts";

const saveState = (dir: string, step: number) =>
  writeSafetensors(join(dir, "state.safetensors"), new Map(), { step: String(step) });

for (const code of ["ENOSPC", "EROFS", "ENOENT"]) {
  test(`${code} at any part of a snapshot: the row stays as it was, and the newest is sent then`, () =>
    withTemporaryFolder(async (folder) => {
      const dir = join(folder, "run-1");
      mkdirSync(dir);
      writeFileSync(join(dir, "run.json"), "{}");
      writeFileSync(join(dir, "events.jsonl"), '{"event":"step","step":1}\n');
      await saveState(dir, 1);
      const there = await Effect.runPromise(folderBlobs(join(folder, "blobs")));
      const full = diskFault(there.shown, "to write a blob")(
        Object.assign(new Error(code), { code }),
      );
      let left = Infinity;
      const blobs: Blobs = {
        ...there,
        put: (bytes) => Effect.suspend(() => left-- > 0 ? there.put(bytes) : Effect.fail(full)),
      };
      const kept: SnapshotMark[] = [];
      const said: string[] = [];
      const moment = Latch.makeUnsafe(false);
      await Effect.runPromise(Effect.gen(function* () {
        const { sending, send } = snapshotsOf(
          { blobs, every: Duration.millis(10) },
          { dir, name: "run-1", restored: null },
          (mark) => Effect.sync(() => void kept.push(mark)),
          (line) => said.push(line),
        );
        yield* send;
        assert.deepEqual(kept.map(({ step }) => step), [1]);
        // State, log, record and the list of them: each may be the one.
        for (const parts of [0, 1, 2]) {
          yield* Effect.promise(() => saveState(dir, parts + 2));
          writeFileSync(join(dir, "run.json"), JSON.stringify({ parts }));
          left = parts;
          assert.equal((yield* Effect.result(send))._tag, "Failure");
          assert.equal(kept.length, 1, `after ${parts} parts`);
        }
        left = 0;
        yield* Effect.promise(() => saveState(dir, 9));
        const going = yield* Effect.forkChild(sending(moment));
        while (left > -3) yield* Effect.sleep("5 millis");
        left = Infinity;
        while (kept.length === 1) yield* Effect.sleep("5 millis");
        yield* Fiber.interrupt(going);
      }));
      assert.deepEqual(kept.map(({ step }) => step), [1, 9]);
      assert.equal(said.length, 1, said.join("\n"));
    }));
}
