// Writes a file so that at every moment the path holds the old content, the new content or nothing:
// a temporary file beside it, synced, renamed over it, and the folder synced too. The trap: the rename
// is only on disk once its folder is synced, which Windows neither needs nor allows.
import { open, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import { randomUUID } from "node:crypto";
import { fileFault } from "./file-fault.ts";
import { makeFolders } from "./make-folders.ts";
import { renameOver } from "./rename-over.ts";

/** Chunks are written in order as they come. Throws DiskFault, leaving no temporary file. */
export async function writeAtomically(
  path: string,
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<void> {
  const folder = dirname(path);
  const temporary = join(folder, `.${basename(path)}.${randomUUID()}.tmp`);
  try {
    await makeFolders(folder);
    const handle = await open(temporary, "wx");
    try {
      for await (const chunk of chunks) await handle.writeFile(chunk);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await renameOver(() => rename(temporary, path));
    if (process.platform !== "win32") await syncFolder(folder);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {});
    throw fileFault(path, cause);
  }
}

const dayMs = 86_400_000;

/** Removes what killed processes left in a folder: temporary files that nobody wrote to for a day. */
export async function removeAbandoned(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    if (!/^\..*\.tmp$/.test(name)) continue;
    const file = join(folder, name);
    const touched = await stat(file).then(({ mtimeMs }) => mtimeMs, () => Infinity);
    if (Date.now() - touched > dayMs) await rm(file, { force: true }).catch(() => {});
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
