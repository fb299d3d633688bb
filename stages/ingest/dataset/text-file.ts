// A text file of captions as text: UTF-8, or UTF-16 by its mark; anything else is refused with the line.
// The trap: bytes of another encoding decode as well, to marks of replacement, and those are trained on.
import { withFile } from "../../../lib/plain-files.ts";
import { DatasetFault } from "./listing.ts";

/** Bytes of a caption, and of one line of a list of captions. */
export const mostCaptionBytes = 1 << 20;
/** Bytes of a list of captions. */
export const mostListBytes = 64 << 20;

/**
 * The text without its byte order mark. Throws a DatasetFault when it is no text or larger than `most`;
 * what the system says of the file goes on as it is.
 */
export const readText = (file: string, most: number): Promise<string> =>
  withFile(file, async ({ size, readAll }) => {
    if (size > most) throw tooLarge(file, `at most ${most >> 20} MiB of text`, `${size} bytes`);
    return textOf(await readAll(), { file });
  });

/** The same of bytes. */
export function textOf(bytes: Uint8Array, place: { readonly file: string }): string {
  const [first, second] = bytes;
  const encoding = first === 0xff && second === 0xfe
    ? "utf-16le"
    : first === 0xfe && second === 0xff
    ? "utf-16be"
    : "utf-8";
  try {
    const text = new TextDecoder(encoding, { fatal: true }).decode(bytes);
    if (!text.includes("\0")) return text;
  } catch {
    // Said below, with the line.
  }
  throw new DatasetFault({
    ...place,
    ...(encoding === "utf-8" ? { line: badLine(bytes) } : {}),
    wanted: "text in UTF-8, or in UTF-16 with its byte order mark",
    found: "bytes of another encoding",
    fix: "Save the file as UTF-8.",
  });
}

/** The lines, each with its number. Throws a DatasetFault where one is longer than a caption may be. */
export function linesOf(text: string, file: string): readonly string[] {
  const lines = text.split("\n");
  const long = lines.findIndex((line) => line.length > mostCaptionBytes);
  if (long < 0) return lines;
  const wanted = `at most ${mostCaptionBytes >> 20} MiB in a line`;
  throw tooLarge(file, wanted, `${lines[long].length} characters`, long + 1);
}

const tooLarge = (file: string, wanted: string, found: string, line?: number) =>
  new DatasetFault({
    file,
    ...(line === undefined ? {} : { line }),
    wanted,
    found,
    fix: "Is this the right file? A caption has a line or two.",
  });

/** No byte of a character of several bytes is a line break, so each line can be tried by itself. */
function badLine(bytes: Uint8Array): number {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let line = 1;
  for (let at = 0; at < bytes.length; line++) {
    const end = bytes.indexOf(10, at) < 0 ? bytes.length : bytes.indexOf(10, at);
    try {
      if (decoder.decode(bytes.subarray(at, end)).includes("\0")) return line;
    } catch {
      return line;
    }
    at = end + 1;
  }
  return line;
}
