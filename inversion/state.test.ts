import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { test } from "node:test";
import { Effect } from "effect";
import { Files } from "../lib/files.ts";
import { fullDisk } from "../runtime/testing/full-disk.ts";
import { recordingFiles } from "../runtime/testing/recording-files.ts";
import { withTemporaryFolder } from "../runtime/testing/temporary-folder.ts";
import { savedStep, stateFile } from "../runtime/execute/saved-step.ts";
import { loadState, saveState } from "./state.ts";

const rows = (value: number) =>
  new Map([["clip_l.rows", {
    dtype: "F64" as const,
    shape: [2, 3],
    data: Float64Array.from({ length: 6 }, (_, i) => value + i / 3),
  }]]);

test("what was saved comes back to the bit, with its step", () =>
  withTemporaryFolder(async (folder) => {
    assert.equal(await Effect.runPromise(loadState(folder)), null);
    assert.equal(await Effect.runPromise(savedStep(folder)), null);
    await Effect.runPromise(saveState(folder, rows(1), { step: "3", events: "[]" }));
    await Effect.runPromise(saveState(folder, rows(2), { step: "4", events: '[{"a":1}]' }));
    const state = await Effect.runPromise(loadState(folder));
    assert.deepEqual(state?.tensors.get("clip_l.rows"), rows(2).get("clip_l.rows"));
    assert.deepEqual(state?.metadata, { step: "4", events: '[{"a":1}]' });
    assert.equal(await Effect.runPromise(savedStep(folder)), 4);
  }));

test("the file is synced, renamed, and its folder synced, after every step", () =>
  withTemporaryFolder(async (folder) => {
    const recording = recordingFiles();
    const save = (step: string) =>
      Effect.runPromise(
        saveState(folder, rows(1), { step }).pipe(Effect.provideService(Files, recording.files)),
      );
    await save("1");
    await save("2");
    const once = [
      "write state.safetensors.tmp",
      "sync state.safetensors.tmp",
      "rename state.safetensors.tmp state.safetensors",
      `sync ${basename(folder)}`,
    ];
    assert.deepEqual(recording.log, [...once, ...once]);
  }));

test("a disk that fills while saving leaves the state before", () =>
  withTemporaryFolder(async (folder) => {
    await Effect.runPromise(saveState(folder, rows(1), { step: "1" }));
    const before = readFileSync(stateFile(folder));
    const error = await Effect.runPromise(Effect.flip(
      saveState(folder, rows(2), { step: "2" }).pipe(
        Effect.provideService(Files, fullDisk((path) => path.includes("state"))),
      ),
    ));
    assert.equal(error._tag, "DiskFault");
    assert.deepEqual(readFileSync(stateFile(folder)), before);
  }));
