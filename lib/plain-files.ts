// Reading files in plain TypeScript, which promises, and throws what the system says: the page's readers of runs,
// data sets, embeddings. What must survive a crash is written with atomic-file.ts.
// The trap: a test's `Files` does not reach this; whatever speaks Effect reads with files.ts and look.ts.
import { open, readdir, readFile, realpath, stat } from "node:fs/promises";

export const readBytes = (file: string | URL): Promise<Buffer<ArrayBuffer>> => readFile(file);
export const readUtf8 = (file: string | URL): Promise<string> => readFile(file, "utf8");
export const readNames = (folder: string): Promise<readonly string[]> => readdir(folder);
/** Without any link on the way. */
export const realPath = (path: string): Promise<string> => realpath(path);

/** What a path leads to; null: nothing, or nothing that may be looked at. */
export const kindOf = (path: string): Promise<"file" | "folder" | "other" | null> =>
  stat(path).then(
    (at) => at.isFile() ? "file" : at.isDirectory() ? "folder" : "other",
    () => null,
  );

export interface OpenFile {
  /** In bytes, when it was opened. */
  readonly size: number;
  readonly readAll: () => Promise<Buffer<ArrayBuffer>>;
  /** `length` bytes from `from` on, or as many as there are. */
  readonly read: (from: number, length: number) => Promise<Buffer<ArrayBuffer>>;
}

/** Opens a file for as long as `use` takes. */
export async function withFile<A>(file: string, use: (open: OpenFile) => Promise<A>): Promise<A> {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    const read = async (from: number, length: number) => {
      const bytes = Buffer.alloc(length);
      const { bytesRead } = await handle.read(bytes, 0, length, from);
      return bytes.subarray(0, bytesRead);
    };
    return await use({ size, readAll: () => handle.readFile(), read });
  } catch (cause) {
    // Of an open file the system does not say which it is.
    throw cause instanceof Error && "syscall" in cause
      ? Object.assign(cause, { path: file })
      : cause;
  } finally {
    await handle.close();
  }
}
