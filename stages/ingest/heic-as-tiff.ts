// Turns an iPhone's heic into an uncompressed TIFF with the same pixels and colour profile, so that it
// goes the way of every other picture. The decoder is libheif in WebAssembly: the prebuilt libvips has
// no HEVC, and loaded only for such a picture, since that takes longer than planning a run.
// The trap: libheif has applied the picture's rotation already; its EXIF must not be asked.
import { rgbaTiff } from "./rgba-tiff.ts";

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
