// The values of one column chunk. hyparquet reads page headers and decodes; here is counted what a page says
// of itself before it is unpacked, and null put where no value is.
// The trap: version 2 leaves the levels uncompressed in front of the values, version 1 does not.
import { parquetHeader } from "hyparquet/src/column.js";
import { readDataPage } from "hyparquet/src/datapage.js";
import { deltaBinaryUnpack } from "hyparquet/src/delta.js";
import { readRleBitPackedHybrid } from "hyparquet/src/encoding.js";
import {
  atMost,
  checkRuns,
  checkThrift,
  mostChunkBytes,
  mostPageBytes,
  readerOf,
} from "./parquet-limits.ts";
import { unpack } from "./unpack.ts";

export type Values = readonly (Uint8Array | null)[];

export interface Chunk {
  readonly codec: string;
  /** Rows of the group, and so values of the chunk. */
  readonly rows: number;
  /** How many of the column and its parents may be null: a value is there at this level. */
  readonly levels: number;
}

type Header = ReturnType<typeof parquetHeader>;

/** Throws ParquetLimit where the bytes ask for too much, and any Error where they are damaged. */
export function columnValues(bytes: Uint8Array, chunk: Chunk): Values {
  const values: (Uint8Array | null)[] = [];
  let dictionary: readonly Uint8Array[] = [];
  const reader = readerOf(bytes);
  let unpacked = 0;
  while (values.length < chunk.rows) {
    checkThrift(bytes, reader.offset);
    const header = parquetHeader(reader);
    atMost(mostPageBytes, "bytes unpacked in a page", header.uncompressed_page_size);
    atMost(
      mostChunkBytes,
      "bytes unpacked in a row group",
      unpacked += header.uncompressed_page_size,
    );
    atMost(bytes.length - reader.offset, "bytes left for a page", header.compressed_page_size);
    const body = bytes.subarray(reader.offset, reader.offset += header.compressed_page_size);
    const about = header.dictionary_page_header ?? header.data_page_header ??
      header.data_page_header_v2;
    if (about === undefined) continue; // an index page
    const isDictionary = header.dictionary_page_header !== undefined;
    const room = chunk.rows - values.length;
    atMost(isDictionary ? chunk.rows : room, "values in a page", about.num_values);
    if (isDictionary) {
      const page = unpack(body, chunk.codec, header.uncompressed_page_size);
      dictionary = within(page, decoded(page, about.num_values, "PLAIN"));
    } else {
      for (const value of pageValues(body, header, chunk, dictionary)) values.push(value);
    }
  }
  return values;
}

function pageValues(
  body: Uint8Array,
  { data_page_header: first, data_page_header_v2: second, uncompressed_page_size: size }: Header,
  { codec, levels }: Chunk,
  dictionary: readonly Uint8Array[],
): Values {
  const bits = 32 - Math.clz32(levels);
  if (second !== undefined) {
    const { repetition_levels_byte_length: skip, definition_levels_byte_length: length } = second;
    atMost(body.length, "bytes of levels in a page", skip);
    atMost(body.length - skip, "bytes of levels in a page", length);
    const rest = body.subarray(skip + length);
    const left = size - skip - length;
    const packed = second.is_compressed !== false && left > 0;
    const page = packed ? unpack(rest, codec, left) : rest;
    const defined = levels === 0
      ? null
      : runsOf(body.subarray(skip, skip + length), bits, second.num_values);
    return spread(page, second.num_values, second.encoding, defined, levels, dictionary);
  }
  const page = unpack(body, codec, size);
  const { num_values: count, encoding } = first!;
  if (levels === 0) return spread(page, count, encoding, null, levels, dictionary);
  const length = readerOf(page).view.getUint32(0, true);
  atMost(page.length - 4, "bytes of levels in a page", length);
  const defined = runsOf(page.subarray(4, 4 + length), bits, count);
  return spread(page.subarray(4 + length), count, encoding, defined, levels, dictionary);
}

function runsOf(bytes: Uint8Array, bits: number, count: number): number[] {
  checkRuns(bytes, bits, count);
  const runs = new Array<number>(count);
  readRleBitPackedHybrid(readerOf(bytes), bits, runs, bytes.length);
  return runs;
}

/** The values that are there, at their places among the nulls. */
function spread(
  page: Uint8Array,
  count: number,
  encoding: string,
  defined: readonly number[] | null,
  levels: number,
  dictionary: readonly Uint8Array[],
): Values {
  const there = defined === null ? count : defined.filter((level) => level === levels).length;
  const present = encoding.endsWith("_DICTIONARY")
    ? fromDictionary(page, there, dictionary)
    : within(page, decoded(page, there, encoding));
  if (defined === null) return present;
  let next = 0;
  return defined.map((level) => level === levels ? present[next++] : null);
}

function fromDictionary(page: Uint8Array, count: number, dictionary: readonly Uint8Array[]) {
  if (count === 0) return [];
  const bits = page[0];
  const places = bits === 0
    ? new Array<number>(count).fill(0)
    : runsOf(page.subarray(1), bits, count);
  return places.map((place) => {
    if (!(place < dictionary.length)) throw new RangeError("a place outside the dictionary");
    return dictionary[place >>> 0];
  });
}

function decoded(page: Uint8Array, count: number, encoding: string): readonly Uint8Array[] {
  if (count === 0) return [];
  if (encoding.startsWith("DELTA")) checkLengths(page, count, encoding === "DELTA_BYTE_ARRAY");
  const header = { num_values: count, encoding } as Parameters<typeof readDataPage>[1];
  const decoder = { type: "BYTE_ARRAY", element: { name: "" }, schemaPath: [] } as unknown;
  const { dataPage } = readDataPage(page, header, decoder as Parameters<typeof readDataPage>[2]);
  return dataPage as unknown as readonly Uint8Array[];
}

/** With DELTA_BYTE_ARRAY each value begins as the one before: few bytes, long values. */
function checkLengths(page: Uint8Array, count: number, withPrefixes: boolean): void {
  const reader = readerOf(page);
  const lengths = () => {
    const list = new Int32Array(count);
    deltaBinaryUnpack(reader, count, list);
    return list;
  };
  const prefixes = withPrefixes ? lengths() : new Int32Array(count);
  const suffixes = lengths();
  let total = 0;
  let before = 0;
  for (let i = 0; i < count; i++) {
    if (prefixes[i] < 0 || suffixes[i] < 0 || prefixes[i] > before) {
      throw new RangeError("a value of no length");
    }
    before = prefixes[i] + suffixes[i];
    atMost(mostPageBytes, "bytes unpacked in a page", total += before);
  }
}

/** No value may lie outside its page. */
function within(page: Uint8Array, values: readonly Uint8Array[]): readonly Uint8Array[] {
  const end = page.byteOffset + page.byteLength;
  const outside = values.some((value) =>
    value.buffer === page.buffer && value.byteOffset + value.byteLength > end
  );
  if (outside) throw new RangeError("a value longer than its page");
  return values;
}
