import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { test } from "node:test";
import { Effect } from "effect";
import { readHeader, writeSafetensors } from "../../lib/safetensors/safetensors.ts";
import { Files } from "../../lib/files.ts";
import { fullDisk } from "../testing/full-disk.ts";
import { testOrigin } from "../testing/origin.ts";
import { recordingFiles } from "../testing/recording-files.ts";
import { withTemporaryFolder } from "../testing/temporary-folder.ts";
import { loadState, savedStep, saveState, stateFile } from "./state.ts";

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
    await Effect.runPromise(saveState(folder, testOrigin, rows(1), { step: "3", events: "[]" }));
    await Effect.runPromise(
      saveState(folder, testOrigin, rows(2), { step: "4", events: '[{"a":1}]' }),
    );
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
        saveState(folder, testOrigin, rows(1), { step }).pipe(
          Effect.provideService(Files, recording.files),
        ),
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
    await Effect.runPromise(saveState(folder, testOrigin, rows(1), { step: "1" }));
    const before = readFileSync(stateFile(folder));
    const error = await Effect.runPromise(Effect.flip(
      saveState(folder, testOrigin, rows(2), { step: "2" }).pipe(
        Effect.provideService(Files, fullDisk((path) => path.includes("state"))),
      ),
    ));
    assert.equal(error._tag, "DiskFault");
    assert.deepEqual(readFileSync(stateFile(folder)), before);
  }));

const fault = (folder: string) => Effect.runPromise(Effect.flip(loadState(folder)));

test("not one bit of a state can be another one", () =>
  withTemporaryFolder(async (folder) => {
    await Effect.runPromise(saveState(folder, testOrigin, rows(1), { step: "3", notes: "{}" }));
    const bytes = readFileSync(stateFile(folder));
    for (let bit = 0; bit < bytes.length * 8; bit += 7) {
      const changed = Uint8Array.from(bytes);
      changed[bit >> 3] ^= 1 << (bit & 7);
      writeFileSync(stateFile(folder), changed);
      const { _tag, kind, file } = await fault(folder);
      const found = [_tag, kind, file];
      assert.deepEqual(found, ["DamagedState", "world", stateFile(folder)], `bit ${bit}`);
    }
    for (const cut of [0, 7, 100, bytes.length - 1]) {
      writeFileSync(stateFile(folder), bytes.subarray(0, cut));
      assert.equal((await fault(folder))._tag, "DamagedState", `cut at ${cut}`);
    }
    writeFileSync(stateFile(folder), bytes);
    const { step, origin } = (await Effect.runPromise(loadState(folder)))!;
    assert.deepEqual([step, origin], [3, testOrigin]);
  }));

/** As gnomic wrote it before there were digests. */
const older = (folder: string, metadata: Record<string, string>) =>
  writeSafetensors(stateFile(folder), rows(1), metadata);

test("a state of before there were digests is read, and what is no step is damage", () =>
  withTemporaryFolder(async (folder) => {
    await older(folder, { step: "12" });
    const state = (await Effect.runPromise(loadState(folder)))!;
    assert.deepEqual([state.step, state.origin], [12, null]);
    for (const step of ["abc", "-3", "1e3", "1.5", "", "9007199254740993", "03", "Infinity"]) {
      await older(folder, { step });
      assert.equal((await fault(folder))._tag, "DamagedState", step);
      assert.equal(await Effect.runPromise(savedStep(folder)), null, step);
    }
    await older(folder, { notes: "{}" });
    assert.match((await fault(folder)).message, /step nowhere/);
  }));

test("a digest that was cut out does not make a state an old one", () =>
  withTemporaryFolder(async (folder) => {
    await Effect.runPromise(saveState(folder, testOrigin, rows(1), { step: "3" }));
    const { metadata } = await readHeader(stateFile(folder));
    await older(folder, { step: "4", run: metadata.run });
    assert.match((await fault(folder)).message, /without its digest/);
    await older(folder, { step: "4", digest: metadata.digest });
    assert.match((await fault(folder)).message, /other bytes/);
  }));

test("a state that is replaced while it is read is no damaged one", () =>
  withTemporaryFolder((folder) =>
    Effect.runPromise(Effect.gen(function* () {
      const save = (step: number) => saveState(folder, testOrigin, rows(step), { step: `${step}` });
      yield* save(0);
      const writing = Effect.forEach(Array.from({ length: 60 }, (_, i) => i + 1), save);
      const reading = Effect.forEach(Array.from({ length: 120 }), () => loadState(folder));
      const [, read] = yield* Effect.all([writing, reading], { concurrency: 2 });
      const steps = read.map((state) => state!.step);
      assert.deepEqual(steps, steps.toSorted((a, b) => a - b));
      assert.equal((yield* loadState(folder))!.step, 60);
    }))
  ));
