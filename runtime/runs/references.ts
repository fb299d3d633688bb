// What of the store a run refers to: every SHA-256 that its JSON files name (manifest, streams, what its
// stages returned). Read as text, so that a half-written or newer file still counts.
// The trap: naming too much keeps a few bytes too long; naming too little would lose a training.
import { createReadStream } from "node:fs";
import { readdir } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { createInterface } from "node:readline";

const digest = /(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])/g;

/** Long, and known to name nothing of the store. */
const passedOver = new Set(["events.jsonl", "control.jsonl"]);

async function digestsIn(file: string): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const line of createInterface({ input: createReadStream(file, "utf8") })) {
    found.push(...line.match(digest) ?? []);
  }
  return found;
}

/** SHA-256 in hex, of blobs and of artefacts. Throws what reading the folder throws. */
export async function referencesOf(runDir: string): Promise<ReadonlySet<string>> {
  const entries = await readdir(runDir, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile() && /\.jsonl?$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !passedOver.has(relative(runDir, file).split(sep).join("/")));
  return new Set((await Promise.all(files.map(digestsIn))).flat());
}
