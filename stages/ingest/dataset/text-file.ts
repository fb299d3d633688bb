// A text file of captions as text: UTF-8, or UTF-16 by its mark; anything else is refused with the line.
// The trap: bytes of another encoding decode as well, to marks of replacement, and those are trained on.
import { withFile } from "../../../lib/plain-files.ts";
import { decodeText } from "../../../lib/read-text.ts";
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
  const text = decodeText(bytes);
  if (typeof text === "string") return text;
  throw new DatasetFault({ ...place, wanted: "text", fix: "Save the file as UTF-8.", ...text });
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
