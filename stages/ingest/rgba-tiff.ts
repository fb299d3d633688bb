// Pixels as an uncompressed TIFF with a colour profile, for what sharp cannot read by itself, so that it
// goes the way of every other picture. The trap: entries of a TIFF's directory stand in their order.

const short = 3;
const long = 4;
const undefinedBytes = 7;

/** Little-endian TIFF: header, one directory, bits per sample, profile, pixels in one strip. */
export function rgbaTiff(
  width: number,
  height: number,
  rgba: Uint8Array | Uint8ClampedArray,
  profile: Uint8Array | null,
  orientation = 1,
): Uint8Array {
  const entries = profile === null ? 12 : 13;
  const bitsAt = 8 + 2 + entries * 12 + 4;
  const profileAt = bitsAt + 8;
  const pixelsAt = profileAt + (profile?.length ?? 0);
  const tiff = new Uint8Array(pixelsAt + rgba.length);
  const view = new DataView(tiff.buffer);
  tiff.set([0x49, 0x49, 42, 0, 8, 0, 0, 0, entries, 0]);
  let at = 10;
  const entry = (tag: number, type: number, count: number, value: number) => {
    view.setUint16(at, tag, true);
    view.setUint16(at + 2, type, true);
    view.setUint32(at + 4, count, true);
    view.setUint32(at + 8, value, true);
    at += 12;
  };
  entry(256, long, 1, width);
  entry(257, long, 1, height);
  entry(258, short, 4, bitsAt); // bits per sample
  entry(259, short, 1, 1); // no compression
  entry(262, short, 1, 2); // RGB
  entry(273, long, 1, pixelsAt); // the strip's offset
  entry(274, short, 1, orientation);
  entry(277, short, 1, 4); // samples per pixel
  entry(278, long, 1, height); // rows in the strip
  entry(279, long, 1, rgba.length);
  entry(284, short, 1, 1); // interleaved
  entry(338, short, 1, 2); // the fourth sample is unassociated alpha
  if (profile !== null) entry(34675, undefinedBytes, profile.length, profileAt);
  new Uint16Array(tiff.buffer, bitsAt, 4).fill(8);
  if (profile !== null) tiff.set(profile, profileAt);
  tiff.set(rgba, pixelsAt);
  return tiff;
}
