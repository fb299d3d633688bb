import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { withTemporaryFolder } from "../../../runtime/testing/temporary-folder.ts";
import { DatasetFault } from "./listing.ts";
import { linesOf, mostCaptionBytes, readText } from "./text-file.ts";

/** The text of these bytes as a file, or `line: found`. */
const read = (bytes: Uint8Array | string, most = mostCaptionBytes): Promise<string> =>
  withTemporaryFolder(async (folder) => {
    const file = join(folder, "a.txt");
    writeFileSync(file, bytes);
    return await readText(file, most).catch((fault) => {
      assert.ok(fault instanceof DatasetFault && fault.file === file);
      return `${fault.line}: ${fault.found}`;
    });
  });

const utf16 = (text: string, bigEndian: boolean): Uint8Array => {
  const bytes = Buffer.from(`\ufeff${text}`, "utf16le");
  return bigEndian ? bytes.swap16() : bytes;
};

test("UTF-8 and, by its mark, UTF-16, without the mark", async () => {
  const text = "a gnöme 小人 🧙\nand more";
  assert.equal(await read(text), text);
  assert.equal(await read(`\ufeff${text}`), text);
  assert.equal(await read(utf16(text, false)), text);
  assert.equal(await read(utf16(text, true)), text);
  assert.equal(await read(""), "");
});

test("any other encoding is refused, with the line where it shows", async () => {
  const other = "bytes of another encoding";
  assert.equal(await read(Buffer.from("plain\ncaf\xe9 \x93Rouge\x94\n", "latin1")), `2: ${other}`);
  assert.equal(await read(Buffer.from("a gnome", "utf16le")), `1: ${other}`);
  assert.equal(await read(Uint8Array.of(0xff, 0xfe, 0, 0, 97, 0, 0, 0)), `undefined: ${other}`);
  assert.equal(await read(Uint8Array.of(0xff, 0xfe, 0x00, 0xd8)), `undefined: ${other}`);
  assert.equal(await read(Uint8Array.of(97, 10, 0xf0, 0x9f, 0xa7)), `2: ${other}`);
});

test("a caption of more than its limit is not read at all, nor a line of a list", async () => {
  assert.equal(await read("x".repeat(11), 10), "undefined: 11 bytes");
  const text = `short\n${"x".repeat(mostCaptionBytes + 1)}`;
  assert.throws(() => linesOf(text, "list.jsonl"), { line: 2, wanted: "at most 1 MiB in a line" });
});
