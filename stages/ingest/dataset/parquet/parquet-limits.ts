// What a Parquet file may ask for. A few bytes can stand for gigabytes, as a length in a header, a run of
// one value, or a compressed page, so everything is counted before room is made for it.
// The trap: hyparquet trusts each of these numbers; whatever it is given has to have passed here.
import { readVarInt } from "hyparquet/src/thrift.js";

/** Rows of a file, and so values of a column. */
export const mostRows = 10_000_000;
/** Bytes of one page, unpacked. */
export const mostPageBytes = 256 << 20;
/** Bytes of all pages of a column in a row group, unpacked. */
export const mostChunkBytes = 1 << 30;
/** Columns and groups of columns. */
export const mostColumns = 2000;

/** Where hyparquet reads. */
export interface Reader {
  readonly view: DataView;
  offset: number;
}

export const readerOf = (bytes: Uint8Array, offset = 0): Reader => ({
  view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
  offset,
});

/** More than is allowed, in words. */
export class ParquetLimit extends Error {
  readonly wanted: string;
  readonly found: string;

  constructor(wanted: string, found: string) {
    super(found);
    this.wanted = wanted;
    this.found = found;
  }
}

export function atMost(most: number, what: string, found: number): void {
  if (!(Number.isSafeInteger(found) && found >= 0 && found <= most)) {
    throw new ParquetLimit(`at most ${most} ${what}`, String(found));
  }
}

/** Walks over a struct of Thrift's compact protocol: a list cannot have more members than there are bytes. */
export function checkThrift(bytes: Uint8Array, start = 0): void {
  const reader = readerOf(bytes, start);
  const { view } = reader;
  const value = (type: number, depth: number): void => {
    if (depth > 16) throw new ParquetLimit("at most 16 levels of nesting", "more");
    if (type === 3) reader.offset++;
    else if (type >= 4 && type <= 6) { while (view.getUint8(reader.offset++) >= 128); }
    else if (type === 7) reader.offset += 8;
    else if (type === 8) {
      const length = size(); // which moves the offset, so it is read first
      reader.offset += length;
    } else if (type === 9) {
      const head = view.getUint8(reader.offset++);
      const length = head >> 4 === 15 ? size() : head >> 4;
      const each = head & 15;
      for (let i = 0; i < length; i++) value(each <= 2 ? 3 : each, depth + 1);
    } else if (type === 12) struct(depth + 1);
    else if (type > 2) throw new RangeError(`Thrift type ${type}`);
  };
  const size = (): number => {
    const length = readVarInt(reader);
    const left = view.byteLength - reader.offset;
    if (length < 0 || length > left) throw new RangeError(`${length} of ${left} bytes left`);
    return length;
  };
  const struct = (depth: number): void => {
    for (let head; (head = view.getUint8(reader.offset++)) !== 0;) {
      if (head >> 4 === 0) readVarInt(reader);
      value(head & 15, depth);
    }
  };
  struct(0);
}

/** Runs of `count` values of `bits` each: none may go past the count, nor past the bytes. */
export function checkRuns(bytes: Uint8Array, bits: number, count: number): void {
  if (bits > 32) throw new RangeError(`values of ${bits} bits`);
  const reader = readerOf(bytes);
  let seen = 0;
  while (seen < count) {
    const head = readVarInt(reader) >>> 0;
    const values = head % 2 === 1 ? 8 * (head >>> 1) : head >>> 1;
    const room = head % 2 === 1 ? count - seen + 7 : count - seen;
    if (values === 0 || values > room) {
      throw new RangeError(`a run of ${values} for ${room} values`);
    }
    reader.offset += head % 2 === 1 ? values / 8 * bits : Math.ceil(bits / 8);
    if (reader.offset > bytes.length) throw new RangeError("runs that end too soon");
    seen += values;
  }
}
