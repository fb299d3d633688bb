// Reads the header of a .safetensors file: 8 bytes of length, then JSON with every tensor's dtype, shape
// and byte range. Everything it claims is checked against the file before anyone trusts an offset.
// As the format demands, the ranges cover the data exactly: no overlap, no gap, nothing left over.
// The trap: JSON.parse silently keeps the last of two equal keys, so those are looked for beforehand.
import { lstat, open, realpath, stat } from "node:fs/promises";
import { storedBytes, type StoredDType } from "./dtype.ts";
import { duplicateKey } from "../duplicate-key.ts";
import { otherKind } from "./other-kind.ts";
import type { WeightView } from "./weight-view.ts";
import { fileFault, WeightsFileFault } from "../file-fault.ts";

export interface SafetensorsHeader {
  /** Real path: symbolic links, as in Hugging Face's cache, are followed. */
  readonly file: string;
  /** By the name in the file; offsets are absolute. */
  readonly tensors: ReadonlyMap<string, WeightView>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** The format's own limit. ComfyUI embeds whole workflows, so a few megabytes are normal. */
const longestHeader = 100_000_000;

/**
 * `anyType`: tensors of a dtype that is not read here stay in the table, for files in which they may be
 * of no use; whoever needs one has to look at its dtype. Throws WeightsFileFault for a file
 * that is missing, cut short, or whose header is not true.
 */
export async function readHeader(
  path: string,
  { anyType = false }: { readonly anyType?: boolean } = {},
): Promise<SafetensorsHeader> {
  const file = await realpath(path).catch(async (cause) => {
    throw cause.code === "ENOENT" && await isLink(path) ? deadLink(path) : fileFault(path, cause);
  });
  if (!await isRegularFile(file)) {
    throw new WeightsFileFault({
      file,
      wanted: "a .safetensors file",
      found: "a folder, device or pipe",
      fix: "Name the file.",
    });
  }
  const handle = await open(file, "r").catch((cause) => {
    throw fileFault(file, cause);
  });
  try {
    const { size } = await handle.stat();
    const lead = new Uint8Array(16);
    const { bytesRead } = await handle.read(lead, 0, 16, 0);
    const bytes = new Uint8Array(headerLength(lead.subarray(0, bytesRead), file, size));
    await handle.read(bytes, 0, bytes.length, 8);
    return { file, ...parseHeader(bytes, file, size, anyType) };
  } catch (cause) {
    throw fileFault(file, cause);
  } finally {
    await handle.close();
  }
}

/**
 * The header of a whole file's bytes, where a reader must not see another file than the one it has: a
 * second look by name may find the next one. Throws WeightsFileFault for `file`.
 */
export function headerOf(whole: Uint8Array, file: string): SafetensorsHeader {
  const length = headerLength(whole.subarray(0, 16), file, whole.length);
  return { file, ...parseHeader(whole.subarray(8, 8 + length), file, whole.length, false) };
}

/** Of a file of `size` bytes that begins with `lead`, its first 16 or fewer. */
function headerLength(lead: Uint8Array, file: string, size: number): number {
  if (size < 8) throw brokenFile(file, `${size} bytes, too few for a header`);
  const kind = otherKind(file, lead);
  if (kind !== undefined) throw kind;
  const length = Number(new DataView(lead.buffer, lead.byteOffset).getBigUint64(0, true));
  if (length > longestHeader) {
    throw new WeightsFileFault({
      file,
      wanted: "a .safetensors file",
      found: `another kind of file: its header would have ${length} bytes, over the format's limit`,
      fix: "Name one that ends in .safetensors, or download it again.",
    });
  }
  if (8 + length > size) {
    const found = `a header of ${length} bytes in a file of ${size} bytes`;
    throw brokenFile(file, `${found}; it was cut short or is not one`);
  }
  return length;
}

const isLink = (path: string): Promise<boolean> =>
  lstat(path).then((found) => found.isSymbolicLink(), () => false);

const deadLink = (file: string) =>
  new WeightsFileFault({
    file,
    wanted: "a .safetensors file",
    found: "a symbolic link that leads to no file",
    fix: "Download the file again, or repair the link.",
  });

/** Opening a pipe would wait for its writer, so the kind is looked at first. */
async function isRegularFile(file: string): Promise<boolean> {
  try {
    return (await stat(file)).isFile();
  } catch (cause) {
    throw fileFault(file, cause);
  }
}

const brokenFile = (file: string, found: string, tensor?: string) =>
  new WeightsFileFault({
    file,
    ...(tensor === undefined ? {} : { tensor }),
    wanted: "a complete .safetensors file",
    found,
    fix: "Download or copy the file again; if it is still so, its author has to write it again.",
  });

const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0;

function parseHeader(bytes: Uint8Array, file: string, size: number, anyType: boolean) {
  const text = decodeText(bytes, file);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw brokenFile(file, "a header that is not JSON");
  }
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw brokenFile(file, "a header that is not a JSON object");
  }
  const twice = duplicateKey(text);
  if (twice !== undefined) throw brokenFile(file, `the key ${JSON.stringify(twice)} twice`, twice);
  const { __metadata__: metadata, ...entries } = json as Record<string, unknown>;
  const start = 8 + bytes.length;
  const tensors = Object.entries(entries).map(([name, entry]) =>
    parseEntry(name, entry, file, start, anyType)
  );
  checkRanges(tensors, file, start, size);
  return {
    tensors: new Map(tensors.map((tensor) => [tensor.name, tensor])),
    metadata: parseMetadata(metadata, file),
  };
}

function decodeText(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw brokenFile(file, "a header that is not UTF-8");
  }
}

function parseMetadata(metadata: unknown, file: string): Readonly<Record<string, string>> {
  if (metadata === undefined || metadata === null) return {};
  const isText = typeof metadata === "object" &&
    Object.values(metadata).every((value) => typeof value === "string");
  if (!isText) throw brokenFile(file, "metadata that is not a map from text to text");
  return metadata as Record<string, string>;
}

function parseEntry(
  name: string,
  entry: unknown,
  file: string,
  start: number,
  anyType: boolean,
): WeightView {
  const { dtype, shape, data_offsets: range } = Object(entry) as Record<string, unknown>;
  const isKnown = typeof dtype === "string" && Object.hasOwn(storedBytes, dtype);
  if (!isKnown && !(anyType && typeof dtype === "string")) {
    throw new WeightsFileFault({
      file,
      tensor: name,
      wanted: `one of the dtypes ${Object.keys(storedBytes).join(", ")}`,
      found: JSON.stringify(dtype) ?? "none",
      fix: "Take the model's float16 or float32 version.",
    });
  }
  if (!Array.isArray(shape) || !shape.every(isCount)) {
    throw brokenFile(file, `the shape ${JSON.stringify(shape)}`, name);
  }
  if (!Array.isArray(range) || range.length !== 2 || !range.every(isCount) || range[0] > range[1]) {
    throw brokenFile(file, `the byte range ${JSON.stringify(range)}`, name);
  }
  const expected = shape.reduce((product, side) => product * side, 1) *
    storedBytes[dtype as StoredDType];
  const bytes = range[1] - range[0];
  if (isKnown && expected !== bytes) {
    const what = `${dtype} ${JSON.stringify(shape)} is ${expected} bytes, its range ${bytes}`;
    throw brokenFile(file, what, name);
  }
  return { name, dtype: dtype as StoredDType, shape, file, offset: start + range[0], bytes };
}

function checkRanges(tensors: readonly WeightView[], file: string, start: number, size: number) {
  const inOrder = [...tensors].sort((a, b) => a.offset - b.offset || a.bytes - b.bytes);
  let end = start;
  for (const { name, offset, bytes } of inOrder) {
    if (offset < end) throw brokenFile(file, "a byte range that overlaps another tensor's", name);
    if (offset > end) throw brokenFile(file, `a gap of ${offset - end} bytes before it`, name);
    end = offset + bytes;
    if (end > size) {
      throw brokenFile(
        file,
        `${size} bytes; the tensor ends at byte ${end}: it was cut short`,
        name,
      );
    }
  }
  if (end < size) throw brokenFile(file, `${size - end} bytes after the last tensor`);
}
