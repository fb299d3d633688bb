import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Effect } from "effect";
import { Files } from "../../lib/files.ts";
import { fingerprint } from "./fingerprint.ts";
import { recordingFiles } from "../testing/recording-files.ts";
import { withTemporaryFolder } from "../testing/temporary-folder.ts";
import { type ArtefactEntry, openStore, type Store } from "./artefact-store.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const sha = (text: string) => createHash("sha256").update(text).digest("hex");

const inStore = <A, E>(folder: string, body: (store: Store) => Effect.Effect<A, E>) =>
  Effect.runPromise(Effect.flatMap(openStore(folder), body));

const ingredients = { stage: "s", version: 1, options: { a: 1 }, reads: {}, world: null };

const kept = (store: Store) =>
  Effect.gen(function* () {
    const inner = yield* store.put(bytes("latent"));
    const value = yield* store.put(bytes(JSON.stringify({ inner })));
    const entry: ArtefactEntry = {
      fingerprint: fingerprint(ingredients),
      ingredients,
      outputs: { latents: value },
      blobs: [inner],
    };
    yield* store.keep(entry);
    return { entry, inner, value };
  });

const blobPath = (folder: string, digest: string) =>
  join(folder, "blobs", digest.slice(0, 2), digest);

test("bytes come back by their SHA-256, stored once", () =>
  withTemporaryFolder(async (folder) => {
    const blob = await inStore(folder, (store) => store.put(bytes("hello")));
    assert.deepEqual(blob, { digest: sha("hello"), bytes: 5 });
    assert.equal(readFileSync(blobPath(folder, sha("hello")), "utf8"), "hello");
    const back = await inStore(folder, (store) => store.get(blob));
    assert.equal(new TextDecoder().decode(back), "hello");
    assert.deepEqual(readdirSync(join(folder, "tmp")), []);
    const path = blobPath(folder, sha("hello"));
    const { ino } = statSync(path);
    assert.deepEqual(await inStore(folder, (store) => store.put(bytes("hello"))), blob);
    assert.equal(statSync(path).ino, ino, "what is there is not written again");
    rmSync(path);
    const gone = await inStore(folder, (store) => Effect.flip(store.get(blob)));
    assert.deepEqual([gone._tag, gone.found], ["CorruptBlob", "nothing"]);
  }));

test("trainings that keep the same result at the same moment do not get in each other's way", () =>
  withTemporaryFolder(async (folder) => {
    const trainings = Array.from(
      { length: 8 },
      () => inStore(folder, (store) => Effect.tap(kept(store), () => store.digests.save)),
    );
    const [{ entry }] = await Promise.all(trainings);
    const found = await inStore(folder, (store) => store.find(entry.fingerprint));
    assert.deepEqual(found, { found: "sound", entry });
    const files = readdirSync(folder, { recursive: true }).map(String);
    assert.deepEqual(files.filter((name) => /tmp./.test(name)), []);
    JSON.parse(readFileSync(join(folder, "digests.json"), "utf8"));
  }));

test("an entry is found again by another process's store, with its outputs", () =>
  withTemporaryFolder(async (folder) => {
    const { entry } = await inStore(folder, kept);
    const found = await inStore(folder, (store) => store.find(entry.fingerprint));
    assert.deepEqual(found, { found: "sound", entry });
    const other = await inStore(folder, (store) => store.find("0".repeat(64)));
    assert.deepEqual(other, { found: "none" });
  }));

test("the entry is written after everything that it names", () =>
  withTemporaryFolder(async (folder) => {
    const recording = recordingFiles((path) =>
      path.includes("artefacts") && !path.endsWith("artefacts")
        ? "ENTRY"
        : path.includes("blobs")
        ? "blob"
        : "other"
    );
    await Effect.runPromise(
      Effect.flatMap(openStore(folder), kept).pipe(Effect.provideService(Files, recording.files)),
    );
    const lastBlob = recording.log.findLastIndex((line) => line.includes("blob"));
    const firstEntry = recording.log.findIndex((line) => line.includes("ENTRY"));
    assert.ok(lastBlob >= 0 && firstEntry > lastBlob, recording.log.join("\n"));
  }));

const damage: Record<string, (path: string) => void> = {
  "a flipped bit": (path) => {
    const content = readFileSync(path);
    content[content.length - 1] ^= 1;
    writeFileSync(path, content);
  },
  "a cut tail": (path) => truncateSync(path, 3),
  "an empty file": (path) => truncateSync(path, 0),
};

for (const [name, harm] of Object.entries(damage)) {
  test(`${name} in a blob, an output or the entry itself is found`, () =>
    withTemporaryFolder(async (folder) => {
      const { entry, inner, value } = await inStore(folder, kept);
      const find = () => inStore(folder, (store) => store.find(entry.fingerprint));
      for (const { digest } of [inner, value]) {
        harm(blobPath(folder, digest));
        assert.equal((await find()).found, "corrupt");
        const error = await inStore(
          folder,
          (store) => Effect.flip(store.get({ digest, bytes: 1 })),
        );
        assert.equal(error._tag, "CorruptBlob");
        assert.ok(error.message.includes(digest));
        await inStore(folder, kept); // putting the same bytes again heals it
        assert.equal((await find()).found, "sound");
      }
      harm(join(folder, "artefacts", `${entry.fingerprint}.json`));
      assert.deepEqual(await find(), { found: "corrupt", what: "entry" });
    }));
}

test("a deleted blob is missing, and said by the output that needs it", () =>
  withTemporaryFolder(async (folder) => {
    const { entry, value } = await inStore(folder, kept);
    rmSync(blobPath(folder, value.digest));
    const found = await inStore(folder, (store) => store.find(entry.fingerprint));
    assert.deepEqual(found, { found: "missing", what: "latents" });
  }));

test("an entry for another value does not pass under this name's seal", () =>
  withTemporaryFolder(async (folder) => {
    const { entry } = await inStore(folder, kept);
    const path = join(folder, "artefacts", `${entry.fingerprint}.json`);
    writeFileSync(path, readFileSync(path, "utf8").replace('"version":1', '"version":2'));
    const found = await inStore(folder, (store) => store.find(entry.fingerprint));
    assert.equal(found.found, "corrupt");
  }));

test("the store's files name no folder, time or process", () =>
  withTemporaryFolder(async (folder) => {
    await inStore(folder, kept);
    const text = readdirSync(join(folder, "artefacts"))
      .map((name) => readFileSync(join(folder, "artefacts", name), "utf8")).join();
    assert.ok(!text.includes(folder) && !/20\d\d-|"at"|pid/.test(text));
  }));

test("an entry that lies under another name than its own is no result", () =>
  withTemporaryFolder(async (folder) => {
    const { entry } = await inStore(folder, kept);
    const other = "f".repeat(64);
    const pathOf = (name: string) => join(folder, "artefacts", `${name}.json`);
    writeFileSync(pathOf(other), readFileSync(pathOf(entry.fingerprint)));
    const found = await inStore(folder, (store) => store.find(other));
    assert.deepEqual(found, { found: "corrupt", what: "entry of another name" });
  }));
