// A run moved to another folder: the same bytes, the same results in the store, and nothing of an archive
// that was cut, altered or made to do harm.
import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Effect } from "effect";
import * as fc from "fast-check";
import { canonicalJson, digestJson } from "../../lib/canonical-json.ts";
import { Files } from "../../lib/files.ts";
import { sha256 } from "../../lib/sha256.ts";
import { RunLocked } from "../../lib/lock.ts";
import { fingerprint } from "../store/fingerprint.ts";
import { openStore, storeName } from "../store/artefact-store.ts";
import { startChild } from "../testing/child.ts";
import { makeRun } from "../testing/make-run.ts";
import { recordingFiles } from "../testing/recording-files.ts";
import { changedFiles } from "../testing/changed-files.ts";
import { refusal } from "../testing/full-disk.ts";
import { withTemporaryFolder } from "../testing/temporary-folder.ts";
import { treeOf } from "../testing/tree.ts";
import { deleteRun } from "./delete-run.ts";
import { exportRun } from "./export-run.ts";
import { findRun } from "./find-run.ts";
import { importRun } from "./import-run.ts";
import { indexPath, RunArchiveFault, sealIndex } from "./run-archive.ts";
import { ArchiveFault, writeTar } from "../../lib/tar.ts";

const pack = (dir: string, archive: string) =>
  Effect.runPromise(Effect.flatMap(findRun(dir, "nowhere"), (run) => exportRun(run, archive)));
const unpack = (archive: string, base: string) => Effect.runPromise(importRun(archive, base));

/** A folder of two runs that share the store, of which "bruce" has rows and latents of its own. */
async function twoRuns(folder: string): Promise<string> {
  const base = join(folder, "here");
  await makeRun(base, { name: "other", rows: ["other's rows"], latents: "other's latents" });
  const dir = await makeRun(base, { name: "bruce", step: 7, rows: ["r0", "r1"], latents: "l" });
  writeFileSync(join(dir, "checkpoints", "checkpoint-1.safetensors"), "rows");
  writeFileSync(join(dir, "lock.json.takeover"), "left by a dead process");
  writeFileSync(join(dir, ".events-index"), "made by whoever looked");
  return dir;
}

test("what arrives is what left, with its part of the store and no more", () =>
  withTemporaryFolder(async (folder) => {
    const dir = await twoRuns(folder);
    const [archive, there] = [join(folder, "run.tar"), join(folder, "there")];
    await pack(dir, archive);
    const { dir: arrived } = await unpack(archive, there);
    assert.equal(arrived, join(there, "bruce"));
    const { "lock.json.takeover": _, ".events-index": _index, ...expected } = treeOf(dir);
    assert.deepEqual(treeOf(arrived), expected);

    const blobs = join(there, storeName, "blobs");
    const names = readdirSync(blobs).flatMap((shelf) => readdirSync(join(blobs, shelf)));
    const texts = names.map((name) => {
      const bytes = readFileSync(join(blobs, name.slice(0, 2), name));
      assert.equal(sha256(bytes), name);
      return bytes.toString();
    });
    // The rows that its stream names, and the value that its manifest does.
    assert.deepEqual(texts.toSorted(), ["r0", "r1", texts.find((text) => text[0] === "{")]);
    assert.equal(existsSync(join(there, storeName, "artefacts")), false);
  }));

test("a run has its name once all that is in it is on disk, and loses it before any of it goes", () =>
  withTemporaryFolder(async (folder) => {
    const dir = await twoRuns(folder);
    const [archive, there] = [join(folder, "run.tar"), join(folder, "there")];
    await pack(dir, archive);
    const { files, log } = recordingFiles((path) => relative(there, path) || "there");
    await Effect.runPromise(Effect.provideService(
      Effect.andThen(
        importRun(archive, there),
        Effect.flatMap(findRun("bruce", there), deleteRun),
      ),
      Files,
      files,
    ));
    const draft = ".importing-bruce";
    const named = log.indexOf(`rename ${draft} bruce`);
    const last = (what: string) => log.lastIndexOf(what, named);
    for (const path of ["run.json", "checkpoints/checkpoint-1.safetensors"]) {
      const file = join(draft, path);
      const written = [`write ${file}`, `sync ${file}`, `sync ${dirname(file)}`].map(last);
      assert.ok(written[0] >= 0, path);
      assert.deepEqual(written, written.toSorted((a, b) => a - b), path);
    }
    const buried = log.indexOf("rename bruce .deleted-bruce");
    assert.deepEqual([log[named + 1], log[buried + 1]], ["sync there", "sync there"]);
    assert.equal(existsSync(join(there, "bruce")), false);
  }));

test("an import whose last step the disk does not confirm says that the run is whole", () =>
  withTemporaryFolder(async (folder) => {
    const dir = await twoRuns(folder);
    const [archive, there] = [join(folder, "run.tar"), join(folder, "there")];
    await pack(dir, archive);
    const files = changedFiles(Effect.runSync(Files), (_, path) => ({
      sync: path === there && existsSync(join(there, "bruce"))
        ? Effect.fail(refusal(path, "EIO"))
        : Effect.void,
    }));
    const failing = Effect.provideService(importRun(archive, there), Files, files);
    const { kind, message } = await Effect.runPromise(Effect.flip(failing));
    assert.equal(kind, "world");
    assert.match(message, /there.bruce: .*EIO.*It is whole/);
    const { ".events-index": _, "lock.json.takeover": _lock, ...expected } = treeOf(dir);
    assert.deepEqual(treeOf(join(there, "bruce")), expected);
  }));

test("an export to where no folder can be made ends at once, under Node too", {
  skip: process.platform === "linux" ? false : "only Linux has /proc",
}, () =>
  withTemporaryFolder(async (folder) => {
    const dir = await twoRuns(folder);
    const program = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
    const child = startChild(program, ["runs", "export", dir, "/proc/nosuch/run.tar"]);
    // A call that never ends keeps the process from ending.
    const patience = setTimeout(() => child.process.kill("SIGKILL"), 300_000);
    const { code, stderr } = await child.ended;
    clearTimeout(patience);
    assert.match(stderr, /\/proc\/nosuch\/run\.tar: wanted a file, found no such file/);
    assert.equal(code, 2);
  }));

test("an archive of the first version imports: its run and its bytes, not its results", () =>
  withTemporaryFolder(async (folder) => {
    const archive = new URL("../../tests/corpus/runs/exported-by-fb0a9ae.tar", import.meta.url);
    const { dir, files } = await unpack(fileURLToPath(archive), folder);
    assert.equal(files, 10);
    assert.equal(
      readFileSync(join(dir, "checkpoints", "checkpoint-1.safetensors"), "utf8"),
      "rows",
    );
    const store = await Effect.runPromise(openStore(join(folder, storeName)));
    for (const text of ["r0", "r1", "l"]) {
      const blob = { digest: sha256(new TextEncoder().encode(text)), bytes: text.length };
      assert.equal(new TextDecoder().decode(await Effect.runPromise(store.get(blob))), text);
    }
    const name = "59ed2450213b81b34cc14388910ad1833f5e4f7e0f527c10d7d1f106c8a1c928";
    assert.deepEqual(await Effect.runPromise(store.find(name)), { found: "none" });
  }));

test("nobody's archive puts a result under a fingerprint of ours", () =>
  withTemporaryFolder(async (folder) => {
    const ingredients = { stage: "caption", version: 1, options: {}, reads: {}, world: null };
    const name = fingerprint(ingredients);
    const evil = new TextEncoder().encode('{"captions":["not yours"]}');
    const value = { digest: sha256(evil), bytes: evil.length };
    const entry = { fingerprint: name, ingredients, outputs: { captions: value }, blobs: [] };
    const sealed = new TextEncoder().encode(canonicalJson({ seal: digestJson(entry), entry }));
    const contents: Readonly<Record<string, Uint8Array>> = {
      "run/run.json": new TextEncoder().encode("{}"),
      [`store/artefacts/${name}.json`]: sealed,
      [`store/blobs/${value.digest.slice(0, 2)}/${value.digest}`]: evil,
    };
    const files = Object.fromEntries(
      Object.entries(contents).map(([path, content]) => [path, {
        bytes: content.length,
        digest: sha256(content),
      }]),
    );
    const head = new TextEncoder().encode(sealIndex({ format: 1, run: "x", tool: "t", files }));
    const archive = join(folder, "run.tar");
    await writeTar(
      archive,
      Object.entries({ [indexPath]: head, ...contents })
        .map(([path, content]) => ({ path, bytes: content.length, chunks: () => [content] })),
    );
    await unpack(archive, folder);
    const store = await Effect.runPromise(openStore(join(folder, storeName)));
    assert.deepEqual(await Effect.runPromise(store.find(name)), { found: "none" });
  }));

test("the same run makes the same archive", () =>
  withTemporaryFolder(async (folder) => {
    const dir = await twoRuns(folder);
    await pack(dir, join(folder, "a.tar"));
    await pack(dir, join(folder, "b.tar"));
    assert.ok(readFileSync(join(folder, "a.tar")).equals(readFileSync(join(folder, "b.tar"))));
  }));

test("a name that is taken is never written over, on either side", () =>
  withTemporaryFolder(async (folder) => {
    const dir = await twoRuns(folder);
    const archive = join(folder, "run.tar");
    await pack(dir, archive);
    const before = treeOf(folder);
    await assert.rejects(pack(dir, archive), RunArchiveFault);
    await assert.rejects(unpack(archive, join(folder, "here")), /one of this name/);
    assert.deepEqual(treeOf(folder), before);
  }));

test("a damaged part of the store is named and not packed", () =>
  withTemporaryFolder(async (folder) => {
    const dir = await twoRuns(folder);
    const digest = sha256("r1");
    const blob = join(folder, "here", storeName, "blobs", digest.slice(0, 2), digest);
    writeFileSync(blob, "rX");
    await assert.rejects(
      pack(dir, join(folder, "run.tar")),
      ({ file }: RunArchiveFault) => file === blob,
    );
    assert.deepEqual(readdirSync(folder), ["here"]);
  }));

test("a run at work, and one with links, are not packed", () =>
  withTemporaryFolder(async (folder) => {
    const dir = await twoRuns(folder);
    const child = startChild(new URL("../testing/hold-lock.ts", import.meta.url).pathname, [dir]);
    await child.line("locked");
    await assert.rejects(pack(dir, join(folder, "run.tar")), RunLocked);
    child.process.kill("SIGKILL");
    await child.ended;
    symlinkSync("/etc", join(dir, "checkpoints", "etc"));
    await assert.rejects(pack(dir, join(folder, "run.tar")), /a link or a device/);
    assert.deepEqual(readdirSync(folder), ["here"]);
  }));

test("an archive with any byte changed, or cut anywhere, leaves nothing behind", () =>
  withTemporaryFolder(async (folder) => {
    const dir = await twoRuns(folder);
    const archive = join(folder, "run.tar");
    await pack(dir, archive);
    const sound = readFileSync(archive);
    // What fills the last block of a file, and the end of the archive, means nothing.
    const meant = [...sound.keys()].filter((at) => sound[at] !== 0);
    const there = join(folder, "there");
    mkdirSync(there);
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...meant), fc.boolean(), async (at, cut) => {
        const bytes = Buffer.from(cut ? sound.subarray(0, at) : sound);
        if (!cut) bytes[at] ^= 0x11;
        writeFileSync(archive, bytes);
        const fault = await Effect.runPromise(Effect.flip(importRun(archive, there)));
        assert.ok(fault instanceof RunArchiveFault || fault instanceof ArchiveFault, `${fault}`);
        assert.deepEqual(readdirSync(there), []);
      }),
      { numRuns: 60 },
    );
  }));

test("an archive that lists what no export writes is refused", () =>
  withTemporaryFolder(async (folder) => {
    const archive = join(folder, "run.tar");
    const text = new TextEncoder().encode("x");
    const file = (path: string, content: Uint8Array) => ({
      path,
      bytes: content.length,
      chunks: () => [content],
    });
    const attempt = async (path: string, run = "bruce", digest = sha256(text)) => {
      const files = { [path]: { bytes: 1, digest } };
      const head = new TextEncoder().encode(sealIndex({ format: 1, run, tool: "t", files }));
      await writeTar(archive, [file(indexPath, head), file(path, text)]);
      return unpack(archive, join(folder, "there"));
    };
    const bad: Parameters<typeof attempt>[] = [
      ["elsewhere.txt"],
      ["run/.events-index"],
      ["run"],
      [`store/blobs/aa/${"a".repeat(64)}`],
      [`store/blobs/ab/${sha256(text)}`],
      ["store/digests.json"],
      ["store/artefacts/x.json"],
      ["run/a", "../bruce"],
      ["run/a", ".gnomic-store"],
      ["run/a", "a/b"],
      ["run/a", ""],
      ["run/a", "bruce", sha256("y")],
      ["__proto__"],
    ];
    for (const given of bad) {
      await assert.rejects(attempt(...given), RunArchiveFault, given.join(" "));
    }
    const listed = { bytes: 1, digest: sha256(text) };
    const files = { "run/a": listed, "run/b": listed };
    const head = new TextEncoder().encode(sealIndex({ format: 1, run: "bruce", tool: "t", files }));
    await writeTar(archive, [file(indexPath, head), file("run/a", text)]);
    await assert.rejects(unpack(archive, join(folder, "there")), RunArchiveFault, "one is missing");
    assert.deepEqual(readdirSync(folder), ["run.tar"]);
    await attempt("run/a");
    assert.deepEqual(Object.keys(treeOf(join(folder, "there"))), ["bruce/a"]);
  }));
