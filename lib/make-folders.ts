// A folder and those above it, in plain TypeScript; where power cuts count, atomic-write.ts makes them durable.
// The trap: Node's own recursive `mkdir` never ends where the system says that a folder is missing whose parent
// is there (/proc, a disk that went away), so the way down is gone here.
import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { errnoOf } from "./disk-fault.ts";

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then((at) => at.isDirectory(), () => false);

/** Throws what the system says; one that is there already is none of its business. */
export async function makeFolders(folder: string): Promise<void> {
  if (await isFolder(folder)) return;
  const above = dirname(folder);
  const isInTheWay = (cause: unknown) => errnoOf(cause) === "EEXIST";
  if (above !== folder) {
    // Of a file above, the next call says what it means.
    await makeFolders(above).catch((cause) => isInTheWay(cause) || Promise.reject(cause));
  }
  await mkdir(folder).catch(async (cause) => {
    // Made by another meanwhile.
    if (!isInTheWay(cause) || !await isFolder(folder)) throw cause;
  });
}
