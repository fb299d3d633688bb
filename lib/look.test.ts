// What is said of a folder is what node:fs says of it, links and all.
import assert from "node:assert/strict";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { test } from "node:test";
import { Effect } from "effect";
import { makeFolder } from "./atomic-write.ts";
import { Files } from "./files.ts";
import { withTemporaryFolder } from "../runtime/testing/temporary-folder.ts";
import {
  bytesBelow,
  entriesBelow,
  folderOrRoom,
  foldersIn,
  isFolder,
  isThere,
  namesIn,
  textIn,
} from "./look.ts";

const ask = Effect.runPromise;

/** `a/b/deep` of 4 bytes, `top` of 2, `.hidden/`, links to `a` and `top`, and one to nothing. */
function fill(folder: string): void {
  mkdirSync(join(folder, "a", "b"), { recursive: true });
  mkdirSync(join(folder, ".hidden"));
  writeFileSync(join(folder, "a", "b", "deep"), "deep");
  writeFileSync(join(folder, "top"), "up");
  symlinkSync("a", join(folder, "to-folder"));
  symlinkSync("top", join(folder, "to-file"));
  symlinkSync("gone", join(folder, "to-nothing"));
}

test("a folder, or room for one: a file in its place or above it is the user's to move", () =>
  withTemporaryFolder(async (folder) => {
    fill(folder);
    for (const fits of ["a", "to-folder", "none", "none/below"]) {
      await ask(folderOrRoom(join(folder, fits)));
    }
    for (const not of ["top", "to-file", "top/below"]) {
      const fault = await ask(Effect.flip(folderOrRoom(join(folder, not))));
      assert.deepEqual([fault.kind, fault.file], ["user", join(folder, not)]);
      const made = await ask(Effect.flip(makeFolder(join(folder, not, "deeper"))));
      assert.deepEqual([made.kind, made.found], ["user", fault.found]);
    }
  }));

test("links count by what they point at, and what is not there is no fault", () =>
  withTemporaryFolder(async (folder) => {
    fill(folder);
    const at = (name: string) => join(folder, name);
    const each = async (ask: (path: string) => Promise<boolean>, names: readonly string[]) =>
      await Promise.all(names.map((name) => ask(at(name))));
    const names = ["a", "top", "to-folder", "to-file", "to-nothing", "none", "top/below"];
    assert.deepEqual(
      await each((path) => ask(isThere(path)), names),
      [true, true, true, true, false, false, false],
    );
    assert.deepEqual(
      await each((path) => ask(isFolder(path)), names),
      [true, false, true, false, false, false, false],
    );
    assert.deepEqual(await ask(foldersIn(folder)), [at("a"), at("to-folder")]);
    assert.deepEqual(await ask(namesIn(at("a"))), ["b"]);
    assert.deepEqual(await ask(namesIn(at("none"))), []);
    assert.equal(await ask(textIn(at("to-file"))), "up");
    assert.equal(await ask(textIn(at("a"))), undefined);
  }));

test("below a folder no link is followed, and its bytes are those of its files", () =>
  withTemporaryFolder(async (folder) => {
    fill(folder);
    const found = (await ask(entriesBelow(folder)))
      .map(({ path, type }) => [relative(folder, path), type]);
    assert.deepEqual(found.toSorted(), [
      [join("a", "b", "deep"), "File"],
      ["to-file", "SymbolicLink"],
      ["to-folder", "SymbolicLink"],
      ["to-nothing", "SymbolicLink"],
      ["top", "File"],
    ]);
    assert.equal(await ask(bytesBelow(folder)), 6);
  }));

test("a file that goes while bytes are counted, as in a run at work, counts as nothing", () =>
  withTemporaryFolder(async (folder) => {
    fill(folder);
    const gone = { name: "lock.json.tmp", type: "File" as const };
    const files = await ask(Files);
    const late = {
      ...files,
      readDirectoryEntries: (path: string) =>
        Effect.map(files.readDirectoryEntries(path), (entries) => [...entries, gone]),
    };
    assert.equal(await ask(Effect.provideService(bytesBelow(folder), Files, late)), 6);
  }));
