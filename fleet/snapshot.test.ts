// A run's way through blobs: the same files come out, logs are sent piece by piece, damaged snapshots are passed
// over, and a list that is a lie writes nothing.
import assert from "node:assert/strict";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Effect } from "effect";
import { parseSafetensors, writeSafetensors } from "../lib/safetensors/safetensors.ts";
import { sha256 } from "../lib/sha256.ts";
import { withTemporaryFolder } from "../runtime/testing/temporary-folder.ts";
import { type Blobs, BlobsAway, folderBlobs } from "./blobs.ts";
import { restoreSnapshot } from "./restore-snapshot.ts";
import { readSnapshot, SnapshotFault } from "./snapshot.ts";
import { snapshotSender } from "./take-snapshot.ts";
import { bringRun } from "./travelling-run.ts";

const files = (folder: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((file) => [file.slice(folder.length + 1), sha256(readFileSync(file))]),
  );

const saveState = (dir: string, step: number) =>
  writeSafetensors(join(dir, "state.safetensors"), new Map(), { step: String(step) });

const stored = sha256("a row");

/** A run as a training leaves it in the middle, with a part in the store. */
async function runIn(base: string): Promise<string> {
  const dir = join(base, "gnome-12345678");
  mkdirSync(join(dir, "streams"), { recursive: true });
  const store = join(base, ".gnomic-store", "blobs", stored.slice(0, 2));
  mkdirSync(store, { recursive: true });
  writeFileSync(join(store, stored), "a row");
  await saveState(dir, 5);
  writeFileSync(join(dir, "run.json"), "{}");
  writeFileSync(join(dir, "events.jsonl"), '{"event":"step"}\n');
  writeFileSync(
    join(dir, "streams", "a.jsonl"),
    `${JSON.stringify({ digest: stored, bytes: 5 })}\n`,
  );
  for (const passing of ["lock.json", "x.tmp", ".events-index"]) {
    writeFileSync(join(dir, passing), "passing");
  }
  return dir;
}

const counted = (blobs: Blobs) => {
  const put: Uint8Array[] = [];
  return {
    put,
    blobs: {
      ...blobs,
      put: (bytes: Uint8Array) =>
        Effect.andThen(Effect.sync(() => put.push(bytes)), blobs.put(bytes)),
    } satisfies Blobs,
  };
};

test("what was sent comes out the same, without what is passing, and with its part of the store", () =>
  withTemporaryFolder(async (folder) => {
    const dir = await runIn(join(folder, "a"));
    const blobs = await Effect.runPromise(folderBlobs(join(folder, "blobs")));
    const mark = await Effect.runPromise(snapshotSender(dir, "gnome-12345678", blobs, null));
    assert.equal(mark.step, 5);
    const there = join(folder, "b");
    await Effect.runPromise(
      Effect.flatMap(
        readSnapshot(blobs, mark),
        (snapshot) => restoreSnapshot(blobs, snapshot, there),
      ),
    );
    for (const passing of ["lock.json", "x.tmp", ".events-index"]) rmSync(join(dir, passing));
    assert.deepEqual(files(join(there, "gnome-12345678")), files(dir));
    const blob = join(there, ".gnomic-store", "blobs", stored.slice(0, 2), stored);
    assert.equal(readFileSync(blob, "utf8"), "a row");
    assert.deepEqual(readdirSync(there).toSorted(), [".gnomic-store", "gnome-12345678"]);
  }));

test("a snapshot is named by the step of the state that it has, however fast steps follow", () =>
  withTemporaryFolder(async (folder) => {
    const dir = await runIn(join(folder, "a"));
    const blobs = await Effect.runPromise(folderBlobs(join(folder, "blobs")));
    const send = snapshotSender(dir, "gnome-12345678", blobs, null);
    let isOver = false;
    const training = (async () => {
      for (let step = 6; !isOver; step++) {
        await saveState(folder, step);
        renameSync(join(folder, "state.safetensors"), join(dir, "state.safetensors"));
      }
    })();
    for (let i = 0; i < 30; i++) {
      const mark = await Effect.runPromise(send);
      const { files: sent } = await Effect.runPromise(readSnapshot(blobs, mark));
      const [state] = sent["run/state.safetensors"];
      const bytes = await Effect.runPromise(blobs.get(state));
      assert.equal(parseSafetensors(bytes, "the state").metadata.step, String(mark.step));
    }
    isOver = true;
    await training;
  }));

test("of a log only what is new is sent, of other files nothing that did not change", () =>
  withTemporaryFolder(async (folder) => {
    const dir = await runIn(join(folder, "a"));
    const { blobs, put } = counted(await Effect.runPromise(folderBlobs(join(folder, "blobs"))));
    const send = snapshotSender(dir, "gnome-12345678", blobs, null);
    const first = await Effect.runPromise(send);
    put.length = 0;
    const lines = '{"event":"step","step":6}\n{"event":"st';
    appendFileSync(join(dir, "events.jsonl"), lines);
    await saveState(dir, 6);
    const second = await Effect.runPromise(send);
    const list = put.pop()!;
    assert.equal(sha256(list), second.digest);
    assert.deepEqual(put.map((bytes) => bytes.length), [
      readFileSync(join(dir, "state.safetensors")).length,
      lines.length,
    ]);
    assert.equal(second.sentBytes, [...put, list].reduce((sum, bytes) => sum + bytes.length, 0));

    // On another machine, which cuts the half line and goes on from there.
    const there = join(folder, "b");
    const snapshot = await Effect.runPromise(readSnapshot(blobs, second));
    await Effect.runPromise(restoreSnapshot(blobs, snapshot, there));
    const log = join(there, "gnome-12345678", "events.jsonl");
    assert.equal(readFileSync(log, "utf8"), readFileSync(join(dir, "events.jsonl"), "utf8"));
    writeFileSync(log, `${readFileSync(log, "utf8").replace(/\{"event":"st$/, "")}{"a":1}\n`);
    const other = snapshotSender(join(there, "gnome-12345678"), "gnome-12345678", blobs, snapshot);
    const third = await Effect.runPromise(other);
    const back = join(folder, "c");
    await Effect.runPromise(
      Effect.flatMap(readSnapshot(blobs, third), (each) => restoreSnapshot(blobs, each, back)),
    );
    assert.deepEqual(files(join(back, "gnome-12345678")), files(join(there, "gnome-12345678")));
    assert.notEqual(first.digest, second.digest);
  }));

test("a log does not travel without the files that it names", () =>
  withTemporaryFolder(async (folder) => {
    const dir = await runIn(join(folder, "a"));
    const blobs = await Effect.runPromise(folderBlobs(join(folder, "blobs")));
    let puts = 0;
    // The training writes a checkpoint and says so while its state is sent.
    const meanwhile = Effect.sync(() => {
      if (puts++ > 0) return;
      mkdirSync(join(dir, "checkpoints"));
      writeFileSync(join(dir, "checkpoints", "new.safetensors"), "rows");
      appendFileSync(join(dir, "events.jsonl"), '{"event":"checkpoint"}\n');
    });
    const busy: Blobs = {
      ...blobs,
      put: (bytes) => Effect.andThen(meanwhile, blobs.put(bytes)),
    };
    const mark = await Effect.runPromise(snapshotSender(dir, "gnome-12345678", busy, null));
    const snapshot = await Effect.runPromise(readSnapshot(blobs, mark));
    await Effect.runPromise(restoreSnapshot(blobs, snapshot, join(folder, "b")));
    const there = join(folder, "b", "gnome-12345678");
    assert.match(readFileSync(join(there, "events.jsonl"), "utf8"), /checkpoint/);
    assert.ok(existsSync(join(there, "checkpoints", "new.safetensors")));
  }));

test("a damaged snapshot is passed over for the one before; without one nothing is changed", () =>
  withTemporaryFolder(async (folder) => {
    const dir = await runIn(join(folder, "a"));
    const blobs = await Effect.runPromise(folderBlobs(join(folder, "blobs")));
    const send = snapshotSender(dir, "gnome-12345678", blobs, null);
    const first = await Effect.runPromise(send);
    await saveState(dir, 6);
    const second = await Effect.runPromise(send);
    const state = readFileSync(join(dir, "state.safetensors"));
    const blobOf = (digest: string) => join(folder, "blobs", "blobs", digest.slice(0, 2), digest);
    const damages: readonly (readonly [string, () => void])[] = [
      ["other bytes", () => writeFileSync(blobOf(sha256(state)), "other bytes")],
      ["cut", () => writeFileSync(blobOf(sha256(state)), state.subarray(0, 9))],
      ["missing", () => rmSync(blobOf(sha256(state)))],
      ["no list", () => rmSync(blobOf(second.digest))],
    ];
    for (const [what, damage] of damages) {
      damage();
      const said: string[] = [];
      const there = join(folder, what);
      const bring = (marks: readonly (typeof first)[]) =>
        Effect.runPromise(
          Effect.result(
            bringRun({ blobs }, there, "gnome-12345678", marks, (line) => said.push(line)),
          ),
        );
      const found = await bring([second, first]);
      assert.equal(found._tag === "Success" && found.success?.step, 5, what);
      assert.match(said[0], /at step 6 is damaged/);
      // A run that is here stays, and goes on.
      assert.equal((await bring([second]))._tag, "Success");
      rmSync(there, { recursive: true });
      const none = await bring([second]);
      assert.equal(none._tag === "Failure" && none.failure._tag, "CorruptBlob");
      assert.equal(existsSync(join(there, "gnome-12345678")), false);
      assert.equal(existsSync(join(there, ".importing-gnome-12345678")), false);
    }
  }));

test("what is here and further stays; what is behind is replaced", () =>
  withTemporaryFolder(async (folder) => {
    const dir = await runIn(join(folder, "a"));
    const blobs = await Effect.runPromise(folderBlobs(join(folder, "blobs")));
    const mark = await Effect.runPromise(snapshotSender(dir, "gnome-12345678", blobs, null));
    const bring = Effect.runPromise(
      bringRun({ blobs }, join(folder, "a"), "gnome-12345678", [mark], () => {}),
    );
    assert.equal(await bring, null);
    await saveState(dir, 3);
    writeFileSync(join(dir, "left-over"), "of before");
    rmSync(join(dir, "lock.json"));
    const replaced = await Effect.runPromise(
      bringRun({ blobs }, join(folder, "a"), "gnome-12345678", [mark], () => {}),
    );
    assert.equal(replaced?.step, 5);
    assert.equal(existsSync(join(dir, "left-over")), false);
  }));

const wrongLists: readonly (readonly [string, object])[] = [
  ["a path out of the folder", { files: { "run/../../x": [] } }],
  ["an absolute one", { files: { "/etc/passwd": [] } }],
  ["a result under a fingerprint of the store", { files: { "store/other": [] } }],
  ["a run's name that is a path", { run: "../x" }],
  ["a hidden run", { run: ".gnomic-store" }],
  ["a digest that is a path", { files: { "run/a": [{ digest: "../../x", bytes: 1 }] } }],
];
for (const [what, wrong] of wrongLists) {
  test(`a list with ${what} is refused before anything is fetched`, () =>
    withTemporaryFolder(async (folder) => {
      const blobs = await Effect.runPromise(folderBlobs(join(folder, "blobs")));
      const list = JSON.stringify({ format: 1, run: "r", step: 1, files: {}, ...wrong });
      const blob = await Effect.runPromise(blobs.put(new TextEncoder().encode(list)));
      const read = await Effect.runPromise(Effect.result(readSnapshot(blobs, blob)));
      assert.ok(read._tag === "Failure" && read.failure instanceof SnapshotFault);
    }));
}

test("a share that is not mounted is no empty folder of blobs", () =>
  withTemporaryFolder(async (folder) => {
    const blobs = await Effect.runPromise(folderBlobs(join(folder, "blobs")));
    rmSync(join(folder, "blobs"), { recursive: true });
    mkdirSync(join(folder, "blobs"));
    const put = await Effect.runPromise(Effect.result(blobs.put(new Uint8Array(3))));
    assert.ok(put._tag === "Failure" && put.failure instanceof BlobsAway);
    assert.deepEqual(readdirSync(join(folder, "blobs")), []);
  }));
