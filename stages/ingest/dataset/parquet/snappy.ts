// Snappy's block format, which Parquet compresses with unless told otherwise: literals, and copies of
// what was written already. The trap: a copy may overlap its own end, and then repeats.

/** Throws RangeError when the bytes are no Snappy block. */
export function snappyDecompress(bytes: Uint8Array): Uint8Array {
  let at = 0;
  let size = 0;
  for (let shift = 0;; shift += 7) {
    const byte = bytes[at++];
    size += (byte & 127) * 2 ** shift;
    if (!(byte >= 128)) break;
  }
  const out = new Uint8Array(size);
  let written = 0;
  const little = (count: number): number => {
    let value = 0;
    for (let i = 0; i < count; i++) value += bytes[at++] * 2 ** (8 * i);
    return value;
  };
  while (at < bytes.length) {
    const tag = bytes[at++];
    if ((tag & 3) === 0) {
      const short = tag >> 2;
      const length = 1 + (short < 60 ? short : little(short - 59));
      if (at + length > bytes.length || written + length > size) {
        throw new RangeError("Snappy: literal");
      }
      out.set(bytes.subarray(at, at += length), written);
      written += length;
      continue;
    }
    const length = (tag & 3) === 1 ? 4 + (tag >> 2 & 7) : 1 + (tag >> 2);
    const back = (tag & 3) === 1 ? (tag >> 5) * 256 + bytes[at++] : little((tag & 3) === 2 ? 2 : 4);
    if (!(back > 0 && back <= written) || written + length > size) {
      throw new RangeError("Snappy: copy");
    }
    for (let i = 0; i < length; i++, written++) out[written] = out[written - back];
  }
  if (written !== size || at > bytes.length) throw new RangeError("Snappy: an end too soon");
  return out;
}
