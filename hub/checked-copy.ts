// A file that is still coming: what an earlier attempt left of it, what is appended, and the digest over
// both. The trap: the bytes of an earlier attempt may be wrong (another file system, another tool), so
// whoever finds a wrong digest asks `resumed` before blaming the server.
import { createHash } from "node:crypto";
import type { CacheDisk } from "./cache-disk.ts";

/** A file of a repository at one commit, as the hub's listing tells it. */
export interface RepoFile {
  readonly path: string;
  readonly size: number;
  /** The name of its blob: SHA-256 of a large file, git's SHA-1 of a small one. */
  readonly etag: string;
}

export interface CheckedCopy {
  readonly whole: number;
  readonly size: () => number;
  /** Whether it began with bytes of an earlier attempt. */
  readonly resumed: () => boolean;
  readonly append: (bytes: Uint8Array) => Promise<void>;
  readonly restart: () => Promise<void>;
  /** In the form of the etag. */
  readonly digest: () => string;
  readonly sync: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export async function openCheckedCopy(
  disk: CacheDisk,
  path: string,
  { size: whole, etag }: RepoFile,
): Promise<CheckedCopy> {
  const empty = () =>
    etag.length === 64 ? createHash("sha256") : createHash("sha1").update(`blob ${whole}\0`);
  const part = await disk.openPartial(path);
  let hash = empty();
  let size = 0;
  const restart = async (): Promise<void> => {
    await part.clear();
    hash = empty();
    size = 0;
    resumed = false;
  };
  let resumed = part.size > 0;
  try {
    if (part.size > whole) await restart();
    else {
      for await (const bytes of part.read()) {
        hash.update(bytes);
        size += bytes.length;
      }
    }
  } catch (cause) {
    await part.close();
    throw cause;
  }
  return {
    whole,
    size: () => size,
    resumed: () => resumed,
    append: async (bytes) => {
      await part.append(bytes);
      hash.update(bytes);
      size += bytes.length;
    },
    restart,
    digest: () => hash.copy().digest("hex"),
    sync: part.sync,
    close: part.close,
  };
}
