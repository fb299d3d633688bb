// The fixtures were written by pyarrow 26: seven rows in several compressions, page versions, row groups
// and encodings; row 2 has no text, row 3 no path. The bombs are in tests/corpus/parquet.
import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { startChild } from "../../../../runtime/testing/child.ts";
import { withTemporaryFolder } from "../../../../runtime/testing/temporary-folder.ts";
import { DatasetFault } from "../listing.ts";
import { openParquet } from "./parquet-file.ts";
import { checkRuns, checkThrift } from "./parquet-limits.ts";
import { unpack } from "./unpack.ts";

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const fixture = (name: string) => path(`./fixtures/${name}.parquet`);
const corpus = path("../../../../tests/corpus/parquet/");

async function columnOf(file: string, path: string): Promise<(string | null)[]> {
  const { groups, readColumn } = await openParquet(file);
  const parts = await Promise.all(groups.map((_, group) => readColumn(group, path)));
  return parts.flat().map((value) => value === null ? null : new TextDecoder().decode(value));
}

const groups = {
  snappy: [3, 3, 1],
  zstd_v2: [7],
  gzip_plain: [7],
  brotli: [7],
  none: [5, 2],
  lz4: [4, 3],
  delta_v2: [4, 3],
};

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

test("DELTA_BYTE_ARRAY with page version 1", async () => {
  assert.deepEqual(await columnOf(fixture("delta"), "text"), ["a"]);
});

test("what is not supported is said with its column and row group", async () => {
  const refused = (name: string, column: string) =>
    columnOf(fixture(name), column).then(() => null, ({ key, found }) => `${key}: ${found}`);
  assert.equal(
    await refused("snappy", "label"),
    "column label of row group 0: one of something else",
  );
  assert.equal(await refused("snappy", "words"), "column words of row group 0: no such column");
});

test("two hundred thousand values of one word in 124 bytes are read", async () => {
  const texts = await columnOf(join(corpus, "parquet-200k-values.parquet"), "text");
  assert.equal(texts.length, 200_000);
  assert.deepEqual([...new Set(texts)], ["a"]);
});

// Each in a process of its own, whose largest size is compared with that of reading a good file.
test("a few bytes that stand for gigabytes are refused before room is made for them", async () => {
  const script = path("./testing/read-parquet.ts");
  const read = async (file: string) => {
    const { stdout, stderr } = await startChild(script, [file, "text"]).ended;
    assert.notEqual(stdout, "", stderr);
    return JSON.parse(stdout) as { found: string; peak: number };
  };
  const good = await read(fixture("snappy"));
  for (const name of readdirSync(corpus).filter((name) => name.includes("bomb"))) {
    const { found, peak } = await read(join(corpus, name));
    assert.match(found, /wanted at most/, name);
    assert.ok(peak < good.peak + 100e6, `${name}: ${peak / 1e6} MB beside ${good.peak / 1e6}`);
  }
});

test("a list of more members than bytes, a run of more values than rows, deep nesting", () => {
  const thrift = (...bytes: number[]) => () => checkThrift(Uint8Array.from(bytes));
  assert.doesNotThrow(thrift(0x15, 0x04, 0x19, 0x25, 0x02, 0x04, 0x18, 1, 97, 0));
  assert.throws(thrift(0x19, 0xf9, 0xff, 0xff, 0xff, 0x0f, 0), RangeError);
  assert.throws(thrift(...Array(40).fill(0x1c), 0), /more/);
  assert.throws(thrift(0x19, 0x25, 0x02), RangeError);
  const runs = (bits: number, count: number, ...bytes: number[]) => () =>
    checkRuns(Uint8Array.from(bytes), bits, count);
  assert.doesNotThrow(runs(1, 5, 10, 1));
  assert.doesNotThrow(runs(3, 5, 3, 1, 2, 3));
  assert.throws(runs(0, 5, 0xfe, 0xff, 0xff, 0xff, 0x0f), /a run of/);
  assert.throws(runs(3, 5, 3, 1, 2), /too soon/);
  assert.throws(runs(1, 5, 0, 0), /a run of 0/);
});

test("LZ4 and Snappy: no more and no fewer bytes than the page says", () => {
  // A literal of 4, then a copy of 8 from 1 back, then nothing.
  const block = Uint8Array.of(4 << 4 | 4, 97, 98, 99, 100, 1, 0);
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  assert.equal(text(unpack(block, "LZ4_RAW", 12)), "abcd" + "d".repeat(8));
  assert.equal(text(unpack(block, "LZ4", 12)), "abcd" + "d".repeat(8));
  const hadoop = Uint8Array.of(0, 0, 0, 12, 0, 0, 0, 7, ...block);
  assert.equal(text(unpack(hadoop, "LZ4", 12)), "abcd" + "d".repeat(8));
  for (const size of [11, 13, 2 ** 28]) {
    for (const codec of ["LZ4_RAW", "LZ4"]) {
      assert.throws(() => unpack(block, codec, size), /LZ4: 12 bytes/);
    }
  }
  assert.throws(() => unpack(hadoop, "LZ4", 11), RangeError);
  const snappy = Uint8Array.of(4, 3 << 2, 97, 98, 99, 100);
  assert.equal(text(unpack(snappy, "SNAPPY", 4)), "abcd");
  assert.throws(() => unpack(snappy, "SNAPPY", 2 ** 28), /Snappy: 4 bytes/);
});

for (const name of ["snappy", "lz4", "delta_v2"]) {
  test(`a damaged file is a fault, or reads as texts, never anything else: ${name}`, () =>
    withTemporaryFolder(async (folder) => {
      const whole = readFileSync(fixture(name));
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
        { numRuns: 200 },
      );
    }));
}
