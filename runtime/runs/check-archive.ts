// Judges an archive before anything of it is unpacked: its own list of files first, then every path, size
// and digest against that list.
// The trap: an archive that lacks a file of its list is as bad as one that has another.
import { Effect, Stream } from "effect";
import type { Fault } from "../../lib/fault.ts";
import { newSha256 } from "../../lib/sha256.ts";
import {
  type ArchiveIndex,
  indexPath,
  placeOf,
  RunArchiveFault,
  unsealIndex,
} from "./run-archive.ts";
import { readTar, type StreamedMember } from "../../lib/tar.ts";

/** The whole content of a member. */
export const bytesOf = ({ bytes, content }: StreamedMember): Effect.Effect<Uint8Array, Fault> =>
  Effect.suspend(() => {
    const whole = new Uint8Array(bytes);
    let offset = 0;
    const append = (chunk: Uint8Array) =>
      Effect.sync(() => {
        whole.set(chunk, offset);
        offset += chunk.length;
      });
    return Effect.as(Stream.runForEach(content, append), whole);
  });

const mostIndexBytes = 64 << 20;

const damaged = (file: string, found: string) =>
  new RunArchiveFault({
    file,
    wanted: "an archive that `runs export` made, unchanged",
    found,
    fix: "Export the run again, and copy the file whole.",
  });

/** Its list of files. Fails with RunArchiveFault and ArchiveFault. */
export const checkArchive = (archive: string): Effect.Effect<ArchiveIndex, Fault> =>
  Effect.gen(function* () {
    let index: ArchiveIndex | undefined;
    let members = 0;
    const readIndex = (member: StreamedMember) =>
      Effect.gen(function* () {
        if (member.path !== indexPath || member.bytes > mostIndexBytes) {
          const found = `another archive, without ${indexPath} at its beginning`;
          return yield* Effect.fail(damaged(archive, found));
        }
        index = unsealIndex(new TextDecoder().decode(yield* bytesOf(member)));
        if (index === undefined) {
          const found = `a changed list of files, or one of another version (${indexPath})`;
          return yield* Effect.fail(damaged(archive, found));
        }
      });
    yield* readTar(archive, (member) =>
      Effect.gen(function* () {
        if (index === undefined) return yield* readIndex(member);
        members++;
        const { path } = member;
        const place = placeOf(path);
        const listed = Object.hasOwn(index.files, path) ? index.files[path] : undefined;
        if (place === undefined || listed === undefined) {
          return yield* Effect.fail(damaged(archive, `${path}, which does not belong there`));
        }
        const digest = yield* digestOf(member);
        const named = place.in === "blobs" ? place.digest : listed.digest;
        if (digest !== listed.digest || digest !== named || member.bytes !== listed.bytes) {
          const found = `${path} with other bytes than its list says`;
          return yield* Effect.fail(damaged(archive, found));
        }
      }));
    if (index === undefined) return yield* Effect.fail(damaged(archive, "nothing in it"));
    if (members !== Object.keys(index.files).length) {
      return yield* Effect.fail(damaged(archive, "other files than its list names"));
    }
    return index;
  });

/** SHA-256 in hex. */
const digestOf = ({ content }: StreamedMember): Effect.Effect<string, Fault> =>
  Effect.suspend(() => {
    const hash = newSha256();
    return Effect.map(
      Stream.runForEach(content, (chunk) => Effect.sync(() => void hash.update(chunk))),
      () => hash.digest("hex"),
    );
  });
