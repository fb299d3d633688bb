// One 512-byte header of a tar archive in the ustar form (POSIX.1-1988), which every tar reads: regular
// files only, no owner, no time, so that the same files always make the same archive.
// The trap: an archive comes from anywhere, so a path in it is judged before anything is made of it.
import { fault } from "../../lib/fault.ts";

export class ArchiveFault extends fault("ArchiveFault", "user") {}

export const blockBytes = 512;

/** The field of a size holds eleven octal digits. */
const mostBytes = 8 ** 11 - 1;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** Null for a relative path that stays below its folder on every system; else what is wrong with it. */
export function pathFinding(path: string): string | null {
  if (/[\\:\0]/.test(path)) return "a path with \\, : or a zero in it";
  const parts = path.split("/");
  if (parts.some((part) => part === "" || part === "." || part === "..")) {
    return "a path that may leave its folder";
  }
  return null;
}

/** The last slash at which both parts fit their fields; a short path goes into `name` alone. */
function splitPath(path: string): readonly [prefix: string, name: string] | undefined {
  if (encoder.encode(path).length <= 100) return ["", path];
  for (let at = path.lastIndexOf("/"); at > 0; at = path.lastIndexOf("/", at - 1)) {
    const parts = [path.slice(0, at), path.slice(at + 1)] as const;
    const [prefix, name] = parts.map((part) => encoder.encode(part).length);
    if (name > 100) return undefined;
    if (prefix <= 155) return parts;
  }
  return undefined;
}

/** Bytes summed with the checksum's own field as blanks. */
const checksum = (header: Uint8Array): number =>
  header.reduce((sum, byte, i) => sum + (i >= 148 && i < 156 ? 0x20 : byte), 0);

/** Throws ArchiveFault for a path or a size that the form cannot hold. */
export function writeHeader(path: string, bytes: number): Uint8Array {
  const split = splitPath(path);
  const finding = pathFinding(path) ??
    (split === undefined ? "a path of more bytes than the archive's form can hold" : null) ??
    (bytes > mostBytes ? "a file of 2^33 bytes or more" : null);
  if (split === undefined || finding !== null) {
    throw new ArchiveFault({
      file: path,
      wanted: "a file that fits into a tar archive of every system",
      found: finding ?? "another",
      fix: "Rename it or move it out of the run's folder.",
    });
  }
  const header = new Uint8Array(blockBytes);
  const put = (text: string, at: number) => header.set(encoder.encode(text), at);
  const octal = (value: number, digits: number, at: number) =>
    put(value.toString(8).padStart(digits, "0"), at);
  put(split[1], 0);
  octal(0o644, 7, 100);
  octal(0, 7, 108);
  octal(0, 7, 116);
  octal(bytes, 11, 124);
  octal(0, 11, 136);
  put("0", 156);
  put("ustar\u000000", 257);
  put(split[0], 345);
  octal(checksum(header), 6, 148);
  put("\0 ", 154);
  return header;
}

export interface Member {
  readonly path: string;
  readonly bytes: number;
}

/** What a header says; null for the block of zeros that ends an archive. Throws ArchiveFault. */
export function readHeaderBlock(header: Uint8Array, archive: string): Member | null {
  if (header.every((byte) => byte === 0)) return null;
  const bad = (found: string) =>
    new ArchiveFault({
      file: archive,
      wanted: "an archive that `runs export` made",
      found,
      fix: "Export the run again, and copy the file whole.",
    });
  const text = (at: number, length: number): string => {
    const field = header.subarray(at, at + length);
    const end = field.indexOf(0);
    try {
      return decoder.decode(end === -1 ? field : field.subarray(0, end));
    } catch {
      throw bad("a path that is no text");
    }
  };
  const octal = (at: number, length: number) => {
    const digits = text(at, length).trim();
    return /^[0-7]+$/.test(digits) ? parseInt(digits, 8) : NaN;
  };
  if (text(257, 5) !== "ustar" || octal(148, 8) !== checksum(header)) {
    throw bad("something else, or a damaged one");
  }
  const [prefix, name] = [text(345, 155), text(0, 100)];
  const path = prefix === "" ? name : `${prefix}/${name}`;
  const type = String.fromCharCode(header[156]);
  if (type !== "0" && type !== "\0") throw bad(`${path}, which is a link or no plain file`);
  const finding = pathFinding(path);
  if (finding !== null) throw bad(`${JSON.stringify(path)}, ${finding}`);
  const bytes = octal(124, 12);
  if (Number.isNaN(bytes)) throw bad(`${path} without a size`);
  return { path, bytes };
}
