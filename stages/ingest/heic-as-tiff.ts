// Turns an iPhone's heic into an uncompressed TIFF with the same pixels and colour profile, so that it
// goes the way of every other picture. The decoder is libheif in WebAssembly: the prebuilt libvips has
// no HEVC, and loaded only for such a picture, since that takes longer than planning a run.
// The trap: libheif has applied the picture's rotation already; its EXIF must not be asked.

/** heic-decode carries no types. */
type DecodeHeic = (input: { readonly buffer: Uint8Array }) => Promise<{
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray;
}>;

/** Throws an Error that says what libheif found when `heic` is damaged. */
export function heicAsTiff(heic: Uint8Array, profile: Uint8Array | null): Promise<Uint8Array> {
  const turn = lastTurn.then(async () => {
    const decodeHeic: DecodeHeic = (await import("heic-decode")).default;
    const { width, height, data } = await listening(() => decodeHeic({ buffer: heic }));
    return rgbaTiff(width, height, data, profile);
  });
  lastTurn = turn.catch(() => {});
  return turn;
}

/** One at a time: the decoder has one memory, and `listening` has one console. */
let lastTurn: Promise<unknown> = Promise.resolve();

/** libheif's JavaScript prints what is wrong with a file to the console; make it the error's text. */
async function listening<A>(decode: () => Promise<A>): Promise<A> {
  const { log } = console;
  const heard: string[] = [];
  console.log = (...said: unknown[]) => {
    if (!/^(Could not|Decoding image failed|Error loading|No images)/.test(String(said[0]))) {
      return log(...said);
    }
    const { message } = (said.at(-1) ?? {}) as { readonly message?: string };
    heard.push((message ?? String(said[0])).trim());
  };
  try {
    return await decode();
  } catch (cause) {
    throw new Error(heard[0] ?? (cause instanceof Error ? cause.message : String(cause)), {
      cause,
    });
  } finally {
    console.log = log;
  }
}

const short = 3;
const long = 4;
const undefinedBytes = 7;

/** Little-endian TIFF: header, one directory, bits per sample, profile, pixels in one strip. */
function rgbaTiff(
  width: number,
  height: number,
  rgba: Uint8ClampedArray,
  profile: Uint8Array | null,
): Uint8Array {
  const entries = profile === null ? 11 : 12;
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
