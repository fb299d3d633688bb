import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Effect } from "effect";
import { withTemporaryFolder } from "../runtime/testing/temporary-folder.ts";
import { readText } from "./read-text.ts";

test("UTF-8 and UTF-16 are read; other bytes, folders, what is not there or too large are refused", () =>
  withTemporaryFolder(async (folder) => {
    const file = join(folder, "f");
    const read = (bytes: Uint8Array) => {
      writeFileSync(file, bytes);
      return Effect.runPromise(readText(file, 100));
    };
    const refused = (path: string, most = 100) =>
      Effect.runPromise(Effect.flip(readText(path, most)));
    const utf16 = Buffer.from("\ufeffa: caf\u00e9\n", "utf16le");
    assert.equal(await read(Buffer.from("\ufeffa: caf\u00e9\n")), "a: caf\u00e9\n");
    assert.equal(await read(utf16), "a: caf\u00e9\n");
    assert.equal(await read(new Uint8Array(utf16).map((_, i) => utf16[i ^ 1])), "a: caf\u00e9\n");
    writeFileSync(file, Buffer.from("a: 1\nb: caf\u00e9\n", "latin1"));
    const { line, found } = await refused(file);
    assert.deepEqual([line, found], [2, "bytes of another encoding"]);
    assert.equal((await refused(file, 5)).found, "13 bytes");
    mkdirSync(join(folder, "d"));
    assert.equal((await refused(join(folder, "d"))).found, "a folder");
    assert.equal((await refused(join(folder, "x"))).found, "no such file");
  }));
