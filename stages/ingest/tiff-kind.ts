// What a TIFF's first directory says of its samples, as far as sharp takes it for something else or makes
// noise of it (numbers with a sign, fractions, L*a*b*): after the TIFF 6.0 specification.
// The trap: a tag that is not there has a value all the same.

export interface TiffKind {
  /** Not read, and why: "fractions of 32 bits"; null where it is. */
  readonly refused: string | null;
  /** sharp gives its luma and chroma as if they were red, green and blue. */
  readonly ycbcr: boolean;
  /** A channel beside the colours that is no transparency, though sharp takes it for that. */
  readonly spareChannel: boolean;
}

const sizes: Readonly<Record<number, number>> = { 1: 1, 3: 2, 4: 4, 5: 8, 16: 8 };

const photometry: Readonly<Record<number, string>> = {
  4: "a transparency mask",
  8: "colours as CIE L*a*b*",
  9: "colours as ICC L*a*b*",
  10: "colours as ITU L*a*b*",
  32803: "a camera's raw sensor values",
  32844: "luminance of a high range (LogL)",
  32845: "colours of a high range (LogLuv)",
  34892: "a camera's linear raw values",
};

const formats: Readonly<Record<number, string>> = {
  2: "numbers with a sign",
  3: "fractions",
  4: "samples of no known kind",
  5: "complex whole numbers",
  6: "complex numbers",
};

/** By the mark at the beginning, of TIFF and of BigTIFF. */
export const isTiff = (bytes: Uint8Array): boolean =>
  ["II*\0", "MM\0*", "II+\0", "MM\0+"].includes(String.fromCharCode(...bytes.subarray(0, 4)));

/** Damaged bytes are taken for an ordinary TIFF: the decoder says what is wrong with them. */
export function tiffKind(bytes: Uint8Array): TiffKind {
  const tags = firstDirectory(bytes);
  const list = (tag: number, otherwise: readonly number[]) => tags.get(tag) ?? otherwise;
  const one = (tag: number, otherwise: number) => list(tag, [otherwise])[0];
  const bits = one(258, 1);
  const compression = one(259, 1);
  const photometric = one(262, 1);
  const format = one(339, 1);
  const [across, down] = list(530, [2, 2]);
  const extra = tags.get(338) ?? [];
  // With JPEG, and with chroma of fewer pixels, libtiff makes RGB of it.
  const ycbcr = photometric === 6 && compression !== 7 && compression !== 6;
  const ycbcrByItself = ycbcr && across === 1 && down === 1;
  const range = list(532, [0, 255, 128, 255, 128, 255]);
  const weights = list(529, [0.299, 0.587, 0.114]);
  const refused = formats[format] !== undefined
    ? `${formats[format]} of ${bits} bits`
    : bits > 16
    ? `${bits} bits a channel`
    : photometry[photometric] ??
      (extra.length > 1 ? `${extra.length} channels beside the colours` : null) ??
      (ycbcr && bits !== 8 ? `YCbCr of ${bits} bits` : null) ??
      (ycbcr && one(284, 1) === 2 ? "YCbCr in separate planes" : null) ??
      (ycbcr && !near(range, [0, 255, 128, 255, 128, 255]) ? "YCbCr of another range" : null) ??
      (ycbcr && !near(weights, [0.299, 0.587, 0.114]) ? "YCbCr of other weights" : null);
  const spareChannel = extra.length === 1 && extra[0] === 0 && bits === 8 && photometric !== 5;
  return { refused, ycbcr: ycbcrByItself, spareChannel };
}

const near = (found: readonly number[], wanted: readonly number[]): boolean =>
  wanted.every((value, i) => Math.abs(value - found[i]) < 0.002);

function firstDirectory(bytes: Uint8Array): ReadonlyMap<number, readonly number[]> {
  const tags = new Map<number, readonly number[]>();
  try {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const little = bytes[0] === 0x49;
    const big = view.getUint16(2, little) === 43;
    const long = (at: number) =>
      big ? Number(view.getBigUint64(at, little)) : view.getUint32(at, little);
    const start = long(big ? 8 : 4);
    const entries = big ? long(start) : view.getUint16(start, little);
    const step = big ? 20 : 12;
    for (let i = 0, at = start + (big ? 8 : 2); i < entries; i++, at += step) {
      const type = view.getUint16(at + 2, little);
      const count = Math.min(long(at + 4), 16);
      const size = sizes[type];
      if (size === undefined) continue;
      const inline = size * count <= (big ? 8 : 4);
      const from = at + (big ? 12 : 8);
      const values = inline ? from : long(from);
      const value = (at: number) =>
        type === 1
          ? view.getUint8(at)
          : type === 3
          ? view.getUint16(at, little)
          : type === 4
          ? view.getUint32(at, little)
          : type === 5
          ? view.getUint32(at, little) / view.getUint32(at + 4, little)
          : Number(view.getBigUint64(at, little));
      tags.set(
        view.getUint16(at, little),
        Array.from({ length: count }, (_, j) => value(values + j * size)),
      );
    }
  } catch {
    // What was read so far is what is known.
  }
  return tags;
}
