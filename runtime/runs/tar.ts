// A tar archive as a list of files: written in one go, listed without being unpacked, read file by file.
// The trap: listing checks every header and the length of the whole, so a cut or altered archive is
// refused before anything of it is written anywhere.
import { type FileHandle, open } from "node:fs/promises";
import { writeAtomically } from "../../lib/atomic-file.ts";
import {
  ArchiveFault,
  blockBytes,
  type Member,
  readHeaderBlock,
  writeHeader,
} from "./tar-header.ts";

export interface FileToPack extends Member {
  /** Exactly `bytes` of them. */
  readonly chunks: () => Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
}

const padding = (bytes: number) => new Uint8Array((blockBytes - bytes % blockBytes) % blockBytes);

/** Throws ArchiveFault, and what writing throws; the path then holds what it held before. */
export const writeTar = (archive: string, files: Iterable<FileToPack>): Promise<void> =>
  writeAtomically(
    archive,
    (async function* () {
      for (const { path, bytes, chunks } of files) {
        yield writeHeader(path, bytes);
        let written = 0;
        for await (const chunk of chunks()) {
          written += chunk.length;
          yield chunk;
        }
        if (written !== bytes) {
          throw new ArchiveFault({
            file: path,
            wanted: `its ${bytes} bytes`,
            found: `${written}: it changed while it was read`,
            fix: "Give the command again when nothing works in the run's folder.",
          });
        }
        yield padding(bytes);
      }
      yield new Uint8Array(2 * blockBytes);
    })(),
  );

export interface ListedMember extends Member {
  /** Where its content begins in the archive. */
  readonly offset: number;
}

/** All files of an archive in order. Throws ArchiveFault. */
export async function listTar(archive: string, handle: FileHandle): Promise<ListedMember[]> {
  const { size } = await handle.stat();
  const members = new Map<string, ListedMember>();
  for (let offset = 0;;) {
    const block = new Uint8Array(blockBytes);
    const { bytesRead } = await handle.read(block, 0, blockBytes, offset);
    if (bytesRead < blockBytes) throw cut(archive);
    offset += blockBytes;
    const member = readHeaderBlock(block, archive);
    if (member === null) return [...members.values()];
    if (members.has(member.path)) throw twice(archive, member.path);
    members.set(member.path, { ...member, offset });
    offset += member.bytes + padding(member.bytes).length;
    if (offset > size) throw cut(archive);
  }
}

/** The content of a file of the archive, in chunks. */
export async function* readMember(
  handle: FileHandle,
  { offset, bytes }: ListedMember,
): AsyncGenerator<Uint8Array> {
  for (let done = 0; done < bytes;) {
    const chunk = new Uint8Array(Math.min(1 << 20, bytes - done));
    const { bytesRead } = await handle.read(chunk, 0, chunk.length, offset + done);
    if (bytesRead === 0) return;
    done += bytesRead;
    yield chunk.subarray(0, bytesRead);
  }
}

/** Throws ArchiveFault. */
export const openArchive = (archive: string): Promise<FileHandle> =>
  open(archive).catch((cause) => {
    throw new ArchiveFault({
      file: archive,
      wanted: "an archive that `runs export` made",
      found: cause instanceof Error ? cause.message : String(cause),
      fix: "Check the path.",
      cause,
    });
  });

const cut = (file: string) =>
  new ArchiveFault({
    file,
    wanted: "a whole archive",
    found: "one that ends too early",
    fix: "Copy it again.",
  });

const twice = (file: string, path: string) =>
  new ArchiveFault({
    file,
    wanted: "each file once",
    found: `${path} twice`,
    fix: "Export the run again.",
  });
