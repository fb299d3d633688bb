// The fixtures were written by pyarrow 26: seven rows in several compressions, page versions, row groups
// and encodings; row 2 has no text, row 3 no path.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { withTemporaryFolder } from "../../../../runtime/testing/temporary-folder.ts";
import { DatasetFault } from "../listing.ts";
import { openParquet } from "./parquet-file.ts";
import { snappyDecompress } from "./snappy.ts";

const fixture = (name: string) =>
  fileURLToPath(new URL(`./fixtures/${name}.parquet`, import.meta.url));

async function columnOf(file: string, path: string): Promise<(string | null)[]> {
  const { groups, readColumn } = await openParquet(file);
  const parts = await Promise.all(groups.map((_, group) => readColumn(group, path)));
  return parts.flat().map((value) => value === null ? null : new TextDecoder().decode(value));
}

const groups = { snappy: [3, 3, 1], zstd_v2: [7], gzip_plain: [7], brotli: [7], none: [5, 2] };

for (const [name, rows] of Object.entries(groups)) {
  test(`what pyarrow wrote: ${name}`, async () => {
    const { columns, groups } = await openParquet(fixture(name));
    assert.deepEqual(columns, ["image.bytes", "image.path", "text", "label"]);
    assert.deepEqual(groups, rows);
    assert.deepEqual(await columnOf(fixture(name), "text"), [
      "a gnome",
      "a gnome",
      null,
      "größe 小人",
      "",
      "a gnome, red",
      "x".repeat(70),
    ]);
    const paths = ["0.png", "1.png", "2.png", null, "4.png", "5.png", "6.png"];
    assert.deepEqual(await columnOf(fixture(name), "image.path"), paths);
    const pictures = await columnOf(fixture(name), "image.bytes");
    assert.ok(pictures.every((bytes) => bytes!.slice(1, 4) === "PNG"));
  });
}

test("what is not supported is said: an encoding, a column of numbers, a missing one", async () => {
  const refused = async (name: string, column: string) => {
    const found = await columnOf(fixture(name), column).catch((fault) => fault.found);
    return found;
  };
  assert.equal(await refused("delta", "text"), "encoding 7");
  assert.equal(await refused("snappy", "label"), "a column label of no texts");
  assert.equal(await refused("snappy", "words"), "a column words of nothing");
});

test("a damaged file is a fault, or reads as texts, never anything else", () =>
  withTemporaryFolder(async (folder) => {
    const whole = readFileSync(fixture("snappy"));
    const file = join(folder, "damaged.parquet");
    const change = fc.record({ at: fc.nat(whole.length - 1), to: fc.nat(255) });
    await fc.assert(
      fc.asyncProperty(
        fc.array(change, { minLength: 1, maxLength: 4 }),
        fc.oneof({ arbitrary: fc.constant(whole.length), weight: 5 }, fc.nat(whole.length)),
        async (changes, length) => {
          const bytes = Uint8Array.from(whole);
          for (const { at, to } of changes) bytes[at] = to;
          writeFileSync(file, bytes.subarray(0, length));
          try {
            await columnOf(file, "text");
          } catch (fault) {
            assert.ok(fault instanceof DatasetFault, String(fault));
          }
        },
      ),
      { numRuns: 300 },
    );
  }));

test("Snappy: literals of every length, copies near, far and overlapping", () => {
  // 'abcd', a copy of 4 from 4 back (1-byte offset), of 8 from 1 back (2), of 3 from 10 back (4).
  const block = [19, 3 << 2, 97, 98, 99, 100, 1, 4, 7 << 2 | 2, 1, 0, 2 << 2 | 3, 10, 0, 0, 0];
  assert.equal(
    new TextDecoder().decode(snappyDecompress(Uint8Array.from(block))),
    "abcdabcd" + "d".repeat(8) + "cdd",
  );
  const long = Uint8Array.from({ length: 300 }, (_, i) => i % 251);
  const literal = Uint8Array.from([172, 2, 61 << 2, 43, 1, ...long]);
  assert.deepEqual(snappyDecompress(literal), long);
  for (const bad of [[], [5, 0], [4, 1, 9], [4, 3 << 2, 97, 98, 99, 100, 101, 1]]) {
    assert.throws(() => snappyDecompress(Uint8Array.from(bad)), RangeError);
  }
});
