// The few disk operations a download makes, as a value, so that tests can fill the disk.
import { type FileHandle, open, rename, rm, statfs } from "node:fs/promises";
import { makeFolders } from "../lib/make-folders.ts";
import { renameOver } from "../lib/rename-over.ts";

export interface PartialFile {
  readonly size: number;
  /** What is there already, in order. */
  readonly read: () => AsyncIterable<Uint8Array>;
  readonly append: (bytes: Uint8Array) => Promise<void>;
  readonly clear: () => Promise<void>;
  /** Everything is on the disk afterwards. */
  readonly sync: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export interface CacheDisk {
  readonly makeFolder: (path: string) => Promise<void>;
  /** Opens or makes a file that can be gone on with. */
  readonly openPartial: (path: string) => Promise<PartialFile>;
  readonly rename: (from: string, to: string) => Promise<void>;
  readonly remove: (path: string) => Promise<void>;
  /** Bytes left for this user on the disk of a folder that exists; Infinity if it can't be told. */
  readonly freeBytes: (folder: string) => Promise<number>;
}

export const nodeDisk: CacheDisk = {
  makeFolder: makeFolders,
  openPartial: async (path) => partialFile(await open(path, "a+")),
  rename: (from, to) => renameOver(() => rename(from, to)),
  remove: (path) => rm(path, { force: true }),
  freeBytes: (folder) => statfs(folder).then(({ bavail, bsize }) => bavail * bsize, () => Infinity),
};

async function partialFile(handle: FileHandle): Promise<PartialFile> {
  const { size } = await handle.stat();
  return {
    size,
    read: async function* () {
      const buffer = new Uint8Array(1 << 20);
      for (let at = 0; at < size;) {
        const { bytesRead } = await handle.read(buffer, 0, buffer.length, at);
        if (bytesRead === 0) return;
        yield buffer.subarray(0, bytesRead);
        at += bytesRead;
      }
    },
    append: (bytes) => handle.appendFile(bytes),
    clear: () => handle.truncate(0),
    sync: () => handle.sync(),
    close: () => handle.close(),
  };
}
