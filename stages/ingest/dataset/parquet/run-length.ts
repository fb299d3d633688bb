// Parquet's hybrid of run lengths and bit packing: levels and dictionary places, each `bits` wide.
// The trap: bit-packed groups come in eights, so the last one may hold more values than there are.

/** `count` values. Throws RangeError when the bytes end too soon. */
export function readHybrid(bytes: Uint8Array, bits: number, count: number): Uint32Array {
  const values = new Uint32Array(count);
  const width = Math.ceil(bits / 8);
  let at = 0;
  let filled = 0;
  while (filled < count) {
    let head = 0;
    for (let scale = 1;; scale *= 128) {
      if (at >= bytes.length) throw new RangeError("run lengths: an end too soon");
      const byte = bytes[at++];
      head += (byte & 127) * scale;
      if (byte < 128) break;
    }
    if (head % 2 === 0) {
      let value = 0;
      for (let i = 0; i < width; i++) value += bytes[at++] * 2 ** (8 * i);
      const end = Math.min(count, filled + head / 2);
      values.fill(value, filled, end);
      filled = end;
      continue;
    }
    const groups = (head - 1) / 2;
    const end = Math.min(count, filled + 8 * groups);
    for (let bit = 0; filled < end; filled++, bit += bits) {
      let value = 0;
      for (let i = 0; i < bits; i++) {
        const place = bit + i;
        value += (bytes[at + (place >> 3)] >> (place & 7) & 1) * 2 ** i;
      }
      values[filled] = value;
    }
    at += groups * bits;
  }
  return values;
}
