// A file that people write by hand, as text: UTF-8, or UTF-16 by its mark, of a size that is no accident.
// The trap: bytes of another encoding decode as well, to marks of replacement that nobody sees; they are
// refused with their line.
import { Effect } from "effect";
import type { FaultFields } from "./fault.ts";
import { Files } from "./files.ts";

/** What is wrong with it; what it was to be and what to do about it may be the reader's to say. */
export type Unreadable = Pick<FaultFields, "found"> & Partial<FaultFields>;

const wrongEncoding = (line: number | undefined): Unreadable => ({
  ...(line === undefined ? {} : { line }),
  wanted: "text in UTF-8, or in UTF-16 with its byte order mark",
  found: "bytes of another encoding",
  fix: "Save the file as UTF-8.",
});

/** The text without its byte order mark, or what is wrong with the bytes. */
export function decodeText(bytes: Uint8Array): string | Unreadable {
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
  return wrongEncoding(encoding === "utf-8" ? badLine(bytes) : undefined);
}

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

/** The text of a file of at most so many bytes. */
export const readText = (file: string, most: number): Effect.Effect<string, Unreadable> =>
  Effect.gen(function* () {
    const files = yield* Files;
    const { size, type } = yield* files.stat(file);
    if (type === "Directory") return yield* Effect.fail<Unreadable>({ found: "a folder" });
    if (Number(size) > most) {
      const [wanted, fix] = [`at most ${most} bytes`, "Is this the right file?"];
      return yield* Effect.fail<Unreadable>({ wanted, found: `${size} bytes`, fix });
    }
    const text = decodeText(yield* files.readFile(file));
    return typeof text === "string" ? text : yield* Effect.fail(text);
  }).pipe(
    Effect.catchTag("PlatformError", ({ reason }) =>
      Effect.fail<Unreadable>({
        found: reason._tag === "NotFound"
          ? "no such file"
          : `one that cannot be read (${reason._tag})`,
      })),
  );
