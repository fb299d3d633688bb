// Event files in a folder: finding our own, reading what they hold, cutting a broken tail, opening
// the next one. The trap: readers take the files in the order of their names as text, so a new name
// must sort after all older ones even when the clock was set back meanwhile.
import { closeSync, openSync, writeSync } from "node:fs";
import { readdir, readFile, rm, truncate } from "node:fs/promises";
import { join } from "node:path";
import { makeFolders } from "../../lib/make-folders.ts";
import { decodeEvent, encodeEvent, type EventMessage, sessionStart } from "./event-proto.ts";
import { frameRecord, splitRecords } from "./record-frame.ts";

const namePattern = /^events\.out\.tfevents\.(\d{10})\.gnomic\.(\d{6})$/;

/** The event files that gnomic wrote into `folder`, oldest first, as readers take them. */
export async function eventFileNames(folder: string): Promise<readonly string[]> {
  await makeFolders(folder);
  return (await readdir(folder)).filter((name) => namePattern.test(name)).sort();
}

/** A name that sorts after all of `older`. */
export function nextFileName(older: readonly string[], nowSeconds: number): string {
  const last = namePattern.exec(older.at(-1) ?? "");
  const seconds = Math.max(Math.floor(nowSeconds), Number(last?.[1] ?? 0));
  const counter = Number(last?.[2] ?? -1) + 1;
  const padded = (value: number, digits: number) => String(value).padStart(digits, "0");
  return `events.out.tfevents.${padded(seconds, 10)}.gnomic.${padded(counter, 6)}`;
}

/** The records of a file, decoded one by one (a long run has many). What follows the last good one is cut off. */
export async function recoverEvents(path: string): Promise<Iterable<EventMessage>> {
  const bytes = await readFile(path);
  const { records, goodBytes } = splitRecords(bytes);
  if (goodBytes < bytes.length) await truncate(path, goodBytes);
  return records.values().map(decodeEvent);
}

export async function removeEventFiles(folder: string, names: readonly string[]): Promise<void> {
  for (const name of names) await rm(join(folder, name));
}

export interface EventFile {
  /** Appends one record with one write call. Throws what the file system throws. */
  append(event: EventMessage): void;
  close(): void;
}

/** Opens a new file, with its version and a session that starts at `startStep` written. */
export function createEventFile(path: string, startStep: number, wallTime: number): EventFile {
  const descriptor = openSync(path, "wx");
  const append = (event: EventMessage) => {
    const frame = frameRecord(encodeEvent(event));
    let written = 0;
    while (written < frame.length) written += writeSync(descriptor, frame, written);
  };
  append({ wallTime, step: 0, fileVersion: "brain.Event:2" });
  append({ wallTime, step: startStep, sessionLog: { status: sessionStart } });
  return { append, close: () => closeSync(descriptor) };
}
