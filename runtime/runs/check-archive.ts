// Judges an archive before anything of it is unpacked: its own list of files first, then every path, size
// and digest against that list.
// The trap: an archive that lacks a file of its list is as bad as one that has another.
import type { FileHandle } from "node:fs/promises";
import { sha256OfChunks } from "../../lib/sha256.ts";
import {
  type ArchiveIndex,
  indexPath,
  placeOf,
  RunArchiveFault,
  unsealIndex,
} from "./run-archive.ts";
import { type ListedMember, listTar, readMember } from "./tar.ts";

/** The whole content of a file of the archive. */
export const bytesOf = async (handle: FileHandle, member: ListedMember): Promise<Uint8Array> => {
  const bytes = new Uint8Array(member.bytes);
  let offset = 0;
  for await (const chunk of readMember(handle, member)) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
};

export interface Checked {
  readonly index: ArchiveIndex;
  /** All files but the list. */
  readonly members: readonly ListedMember[];
}

const damaged = (file: string, found: string) =>
  new RunArchiveFault({
    file,
    wanted: "an archive that `runs export` made, unchanged",
    found,
    fix: "Export the run again, and copy the file whole.",
  });

/** Throws RunArchiveFault and ArchiveFault. */
export async function checkArchive(archive: string, handle: FileHandle): Promise<Checked> {
  const [head, ...members] = await listTar(archive, handle);
  if (head?.path !== indexPath || head.bytes > 64 << 20) {
    throw damaged(archive, `another archive, without ${indexPath} at its beginning`);
  }
  const text = new TextDecoder().decode(await bytesOf(handle, head));
  const index = unsealIndex(text);
  if (index === undefined) {
    throw damaged(archive, `a changed list of files, or one of another version (${indexPath})`);
  }
  if (members.length !== Object.keys(index.files).length) {
    throw damaged(archive, "other files than its list names");
  }
  for (const member of members) {
    const place = placeOf(member.path);
    const listed = Object.hasOwn(index.files, member.path) ? index.files[member.path] : undefined;
    if (place === undefined || listed === undefined) {
      throw damaged(archive, `${member.path}, which does not belong there`);
    }
    const digest = await sha256OfChunks(readMember(handle, member));
    const named = place.in === "blobs" ? place.digest : listed.digest;
    if (digest !== listed.digest || digest !== named || member.bytes !== listed.bytes) {
      throw damaged(archive, `${member.path} with other bytes than its list says`);
    }
  }
  return { index, members };
}
