// The pages of one column chunk: a dictionary, perhaps, then data pages of version 1 or 2, as values.
// The trap: version 2 leaves the levels uncompressed in front of the values, version 1 does not.
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from "node:zlib";
import { readHybrid } from "./run-length.ts";
import { snappyDecompress } from "./snappy.ts";
import { numberAt, readThrift, structAt } from "./thrift.ts";

/** What of a column's schema its pages need. */
export interface Column {
  readonly path: string;
  readonly isBytes: boolean;
  readonly repeated: boolean;
  /** How many of it and its parents may be null: a value is there at this definition level. */
  readonly levels: number;
}

type Values = readonly (Uint8Array | null)[];

const codecs: Readonly<Record<number, (bytes: Uint8Array) => Uint8Array>> = {
  0: (bytes) => bytes,
  1: snappyDecompress,
  2: (bytes) => gunzipSync(bytes),
  4: (bytes) => brotliDecompressSync(bytes),
  6: (bytes) => zstdDecompressSync(bytes),
};

/** All values of the chunk; null where the column or a parent of it is. Throws RangeError. */
export function readPages(
  bytes: Uint8Array,
  { levels }: Column,
  { codec, values: wanted }: { readonly codec: number; readonly values: number },
): Values {
  const decompress = codecs[codec];
  if (decompress === undefined) throw new RangeError(`compression ${codec}`);
  const values: (Uint8Array | null)[] = [];
  let dictionary: readonly Uint8Array[] = [];
  for (let at = 0; values.length < wanted;) {
    const { struct: header, end } = readThrift(bytes, at);
    const body = bytes.subarray(end, at = end + numberAt(header, 3));
    switch (numberAt(header, 1)) {
      case 2:
        dictionary = plain(decompress(body), numberAt(structAt(header, 7), 1));
        break;
      case 0: {
        const page = structAt(header, 5);
        const count = numberAt(page, 1);
        const data = decompress(body);
        const size = levels === 0 ? 0 : 4 + littleEndian(data, 0);
        const defined = levels === 0 ? null : definitions(data.subarray(4, size), levels, count);
        const encoded = { encoding: numberAt(page, 2), data: data.subarray(size), dictionary };
        values.push(...spread(encoded, defined, levels, count));
        break;
      }
      case 3: {
        const page = structAt(header, 8);
        const count = numberAt(page, 1);
        const [size, skip] = [numberAt(page, 5), numberAt(page, 6)];
        const defined = levels === 0
          ? null
          : definitions(body.subarray(skip, skip + size), levels, count);
        const rest = body.subarray(skip + size);
        const data = page.get(7) === false ? rest : decompress(rest);
        const encoded = { encoding: numberAt(page, 4), data, dictionary };
        values.push(...spread(encoded, defined, levels, count));
        break;
      }
    }
  }
  return values;
}

const definitions = (bytes: Uint8Array, levels: number, count: number) =>
  readHybrid(bytes, 32 - Math.clz32(levels), count);

interface Encoded {
  readonly encoding: number;
  readonly data: Uint8Array;
  readonly dictionary: readonly Uint8Array[];
}

/** The values that are there, at their places among the nulls. */
function spread(
  encoded: Encoded,
  defined: Uint32Array | null,
  levels: number,
  count: number,
): Values {
  if (defined === null) return decode(encoded, count);
  const there = defined.reduce((sum, level) => level === levels ? sum + 1 : sum, 0);
  const present = decode(encoded, there).values();
  return Array.from(defined, (level) => level === levels ? present.next().value! : null);
}

function decode({ encoding, data, dictionary }: Encoded, count: number): readonly Uint8Array[] {
  if (encoding === 0) return plain(data, count);
  if (encoding !== 2 && encoding !== 8) throw new RangeError(`encoding ${encoding}`);
  if (count === 0) return [];
  return Array.from(readHybrid(data.subarray(1), data[0], count), (place) => {
    if (place >= dictionary.length) throw new RangeError("a place outside the dictionary");
    return dictionary[place];
  });
}

/** Each value with its length in front. */
function plain(data: Uint8Array, count: number): readonly Uint8Array[] {
  let at = 0;
  return Array.from({ length: count }, () => {
    const start = at + 4;
    at = start + littleEndian(data, at);
    if (at > data.length) throw new RangeError("a value longer than its page");
    return data.subarray(start, at);
  });
}

const littleEndian = (data: Uint8Array, at: number): number =>
  new DataView(data.buffer, data.byteOffset, data.length).getUint32(at, true);
