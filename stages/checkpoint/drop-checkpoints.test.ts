// Dropped checkpoints: gone, noted as pruned on purpose, and everything else of the run left alone.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Effect } from "effect";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { filesBelow } from "../../tests/end-to-end/project.ts";
import { dropCheckpoints } from "./drop-checkpoints.ts";
import { damaged, type FileRecord, readRecords, writeRecords } from "./record.ts";

const file = (path: string, more: Partial<FileRecord> = {}): FileRecord => ({
  ...{ path, step: 1, digest: "", pruned: false },
  ...more,
});

test("checkpoints go and are no damage; best, last, state and what is not on record stay", () =>
  withTemporaryFolder(async (folder) => {
    mkdirSync(join(folder, "checkpoints"));
    const files = ["checkpoints/a.safetensors", "checkpoints/own.txt", "t-best.safetensors"];
    for (const path of [...files, "state.safetensors"]) writeFileSync(join(folder, path), "");
    const lost = file("checkpoints/b.safetensors", { lost: true });
    const records = { complete: true, files: [file(files[0]), lost, file(files[2])] };
    await Effect.runPromise(writeRecords(folder, records));
    for (let twice = 0; twice < 2; twice++) {
      await Effect.runPromise(dropCheckpoints(folder));
      assert.deepEqual(filesBelow(folder), [
        "checkpoints/files.json",
        "checkpoints/own.txt",
        "events.jsonl",
        "state.safetensors",
        "t-best.safetensors",
      ]);
      const now = await Effect.runPromise(readRecords(folder));
      assert.deepEqual(now, {
        complete: true,
        files: [file(files[0], { pruned: true }), lost, file(files[2])],
      });
      assert.deepEqual(await Effect.runPromise(damaged(folder, now)), ["t-best.safetensors"]);
    }
    const said = readFileSync(join(folder, "events.jsonl"), "utf8").trim().split("\n");
    assert.deepEqual(said.map((line) => ({ ...JSON.parse(line), at: 0 })), [
      { event: "checkpoint-pruned", step: 1, path: files[0], at: 0 },
    ]);
  }));
