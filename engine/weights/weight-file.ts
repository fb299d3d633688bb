// What is known of a weight file: its digest, and whether all its values are finite. Remembered for this
// user by path and stamp, whatever the output folder, since a model of gigabytes takes seconds to read.
// It is a cache, one small file for each weight file: losing or breaking one costs time, nothing else.
// The trap: what was touched just now is not remembered (file-stamp.ts); nor, on disk, what is small.
import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { userCache } from "../../lib/user-cache.ts";
import { writeAtomically } from "../../lib/atomic-file.ts";
import { isSettled, stampOf } from "../../lib/file-stamp.ts";
import { type FileContent, type ReadProgress, readThrough } from "./read-through.ts";
import { fileFault } from "../../lib/file-fault.ts";

/** Raised when the look at a file changes. */
const version = 2;

/** Reading less than this takes no longer than starting up varies. */
const worthADisk = 32 << 20;

/** What this process knows, by `of`. */
const seen = new Map<string, FileContent>();

/** Reads the file unless it is known; a big one says how far it is. Throws as `readThrough` does. */
export async function inspectFile(
  file: string,
  signal: AbortSignal,
  onProgress?: ReadProgress,
): Promise<FileContent> {
  const now = Date.now();
  const info = await stat(file, { bigint: true }).catch((cause) => {
    throw fileFault(file, cause);
  });
  const of = [version, stampOf(info), file].join(" ");
  const name = createHash("sha256").update(file).digest("hex");
  const record = join(userCache("weight-files"), `${name}.json`);
  const big = info.size >= worthADisk;
  const known = seen.get(of) ?? (big ? await recorded(record, of) : undefined);
  const content = known ?? await readThrough(file, signal, big ? onProgress : undefined);
  if (!isSettled(info, now)) return content;
  seen.set(of, content);
  if (known === undefined && big) await keep(record, { of, ...content });
  return content;
}

async function recorded(record: string, of: string): Promise<FileContent | undefined> {
  const held = await readFile(record, "utf8").then(JSON.parse).catch(() => undefined);
  const { digest, finite } = Object(held);
  const sound = typeof digest === "string" && typeof finite === "boolean" && held.of === of;
  return sound ? { digest, finite } : undefined;
}

/** A cache that cannot be written costs the reading again, no more. */
const keep = (record: string, known: FileContent & { readonly of: string }): Promise<void> =>
  writeAtomically(record, [new TextEncoder().encode(JSON.stringify(known))]).catch(() => {});
