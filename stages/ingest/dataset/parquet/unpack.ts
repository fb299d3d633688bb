// One compressed part of a page, unpacked to as many bytes as its header says, and to no more.
// The trap: hyparquet's LZ4 counts nothing, and its gzip, brotli and zstd unpack everything before they
// look at the size, so the runtime's own do that, which can be told to stop.
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from "node:zlib";
import { compressors } from "hyparquet-compressors";
import { ParquetLimit } from "./parquet-limits.ts";

type Unpack = (bytes: Uint8Array, size: number) => Uint8Array;

const byCodec: Readonly<Record<string, Unpack>> = {
  UNCOMPRESSED: (bytes) => bytes,
  GZIP: upTo(gunzipSync),
  BROTLI: upTo(brotliDecompressSync),
  ZSTD: upTo(zstdDecompressSync),
  SNAPPY: (bytes, size) => {
    if (snappySize(bytes) !== size) throw new RangeError(`Snappy: ${snappySize(bytes)} bytes`);
    return compressors.SNAPPY!(bytes, size);
  },
  LZ4_RAW: (bytes, size) => {
    if (lz4Size(bytes) !== size) throw new RangeError(`LZ4: ${lz4Size(bytes)} bytes`);
    return compressors.LZ4_RAW!(bytes, size);
  },
  LZ4: (bytes, size) => {
    const sizes = (hadoopBlocks(bytes) ?? [bytes]).map(lz4Size);
    const found = sizes.reduce((sum, each) => sum + each, 0);
    if (found !== size) throw new RangeError(`LZ4: ${found} bytes`);
    return compressors.LZ4!(bytes, size);
  },
};

/** Throws RangeError when the bytes are damaged, or more or fewer than `size`. */
export function unpack(bytes: Uint8Array, codec: string, size: number): Uint8Array {
  const made = byCodec[codec];
  if (made === undefined) throw new RangeError(`compression ${codec}`);
  if (size === 0 && codec !== "UNCOMPRESSED") return new Uint8Array();
  const page = made(bytes, size);
  if (page.length !== size) throw new RangeError(`${page.length} bytes for ${size} in a page`);
  return page;
}

/** Of the runtime's own, which stop at a size. */
function upTo(
  unpack: (bytes: Uint8Array, limit: { maxOutputLength: number }) => Uint8Array,
): Unpack {
  return (bytes, size) => {
    try {
      return unpack(bytes, { maxOutputLength: size });
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== "ERR_BUFFER_TOO_LARGE") throw cause;
      throw new ParquetLimit(`at most the ${size} bytes that a page says it has unpacked`, "more");
    }
  };
}

/** What a Snappy block says of itself. */
function snappySize(bytes: Uint8Array): number {
  let size = 0;
  for (let at = 0, scale = 1; at < 5; at++, scale *= 128) {
    size += (bytes[at] & 127) * scale;
    if (!(bytes[at] >= 128)) break;
  }
  return size;
}

/** How much an LZ4 block makes, from its lengths alone. */
function lz4Size(bytes: Uint8Array): number {
  let size = 0;
  let at = 0;
  const length = (nibble: number): number => {
    let sum = nibble;
    for (let byte = nibble === 15 ? 255 : 0; byte === 255;) sum += byte = bytes[at++] ?? 0;
    return sum;
  };
  while (at < bytes.length) {
    const token = bytes[at++];
    const literals = length(token >> 4);
    size += literals;
    at += literals;
    if (at >= bytes.length) break;
    at += 2;
    size += length(token & 15) + 4;
  }
  if (at !== bytes.length) throw new RangeError("LZ4: an end too soon");
  return size;
}

/** Hadoop writes each block with its size unpacked and packed, in front; null where these are not that. */
function hadoopBlocks(bytes: Uint8Array): readonly Uint8Array[] | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const blocks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    if (at + 8 > bytes.length) return null;
    const length = view.getUint32(at + 4);
    const block = bytes.subarray(at + 8, at + 8 + length);
    if (block.length !== length || lz4SizeOrNull(block) !== view.getUint32(at)) return null;
    blocks.push(block);
    at += 8 + length;
  }
  return blocks;
}

function lz4SizeOrNull(block: Uint8Array): number | null {
  try {
    return lz4Size(block);
  } catch {
    return null;
  }
}
