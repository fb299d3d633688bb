// A tar archive of plain files, on Effect's encoder and decoder: written in one go with neither owner nor time,
// so that the same files make the same archive, and read member by member as it streams by.
// The trap: an archive comes from anywhere, so the path of a member is judged before anything is made of it,
// and one that is cut short fails only where it ends: look through the whole before anything is written.
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { Effect, Stream } from "effect";
import { Tar } from "effect/encoding";
import { writeAtomically } from "./atomic-file.ts";
import { type Fault, fault } from "./fault.ts";
import { errnoOf } from "./disk-fault.ts";
import { tryPromise } from "./try-promise.ts";

export class ArchiveFault extends fault("ArchiveFault", "user") {}

/** Null for a relative path that stays below its folder on every system; else what is wrong with it. */
export function pathFinding(path: string): string | null {
  if (/[\\:\0]/.test(path)) return "a path with \\, : or a zero in it";
  const parts = path.split("/");
  if (parts.some((part) => part === "" || part === "." || part === "..")) {
    return "a path that may leave its folder";
  }
  return null;
}

export interface Member {
  readonly path: string;
  readonly bytes: number;
}

export interface FileToPack extends Member {
  /** Exactly `bytes` of them. */
  readonly chunks: () => Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
}

/** A member as it streams by: its content can be read once, before the next one comes. */
export interface StreamedMember extends Member {
  readonly content: Stream.Stream<Uint8Array, Fault>;
}

async function* chunksOf(file: FileToPack) {
  yield* file.chunks();
}

const entryOf = (file: FileToPack): Effect.Effect<Tar.Entry<unknown>, ArchiveFault> => {
  const { path, bytes } = file;
  const found = pathFinding(path);
  if (found === null) {
    const body = Stream.fromAsyncIterable(chunksOf(file), (cause) => cause);
    return Effect.succeed(Tar.fileStream(path, bytes, body));
  }
  return Effect.fail(
    new ArchiveFault({
      file: path,
      wanted: "a file that fits into a tar archive of every system",
      found,
      fix: "Rename it or move it out of the run's folder.",
    }),
  );
};

/** The bytes of an archive. */
export const packed = (files: Iterable<FileToPack>): Stream.Stream<Uint8Array, unknown> =>
  Stream.fromIterable(files).pipe(
    Stream.mapEffect(entryOf),
    Stream.pipeThroughChannel(Tar.encode()),
    Stream.mapError((cause) => Tar.isTarError(cause) ? changedMeanwhile(cause) : cause),
  );

/** Throws ArchiveFault, and what writing throws; the path then holds what it held before. */
export const writeTar = (archive: string, files: Iterable<FileToPack>): Promise<void> =>
  writeAtomically(archive, Stream.toAsyncIterable(packed(files)));

/** Gives each member of the archive's bytes to `visit`, in order. */
export const unpacked = (
  archive: string,
  bytes: Stream.Stream<Uint8Array, Fault>,
  visit: (member: StreamedMember) => Effect.Effect<unknown, Fault>,
): Effect.Effect<void, Fault> =>
  Effect.suspend(() => {
    const seen = new Set<string>();
    const faulty = Stream.mapError((cause: Tar.TarError | Fault): Fault =>
      Tar.isTarError(cause) ? foreign(archive, cause.message) : cause
    );
    return bytes.pipe(
      Stream.pipeThroughChannel(Tar.decode<Fault>()),
      faulty,
      Stream.runForEach(({ header: { path, size, type }, body }) => {
        const finding = type === "File" ? pathFinding(path) : "a link or no plain file";
        if (finding !== null) {
          return Effect.fail<Fault>(foreign(archive, `${JSON.stringify(path)}, ${finding}`));
        }
        if (seen.has(path)) return Effect.fail<Fault>(foreign(archive, `${path} twice`));
        seen.add(path);
        return visit({ path, bytes: size, content: faulty(body) });
      }),
    );
  });

/** The same of a file. Fails with ArchiveFault, and with what `visit` fails with. */
export const readTar = (
  archive: string,
  visit: (member: StreamedMember) => Effect.Effect<unknown, Fault>,
): Effect.Effect<void, Fault> =>
  Effect.gen(function* () {
    yield* tryPromise(() => checkEnd(archive));
    const file = Stream.fromAsyncIterable(
      createReadStream(archive, { highWaterMark: 1 << 20 }) as AsyncIterable<Uint8Array>,
      (cause) => unreadable(archive, cause),
    );
    yield* unpacked(archive, file, visit);
  });

/** The decoder is content with an archive that lacks the two empty blocks at its end. */
async function checkEnd(archive: string): Promise<void> {
  const handle = await open(archive).catch((cause) => {
    throw unreadable(archive, cause);
  });
  try {
    const end = new Uint8Array(1024).fill(1);
    const { size } = await handle.stat();
    await handle.read(end, 0, end.length, Math.max(0, size - end.length));
    if (size % 512 !== 0 || end.some((byte) => byte !== 0)) {
      throw foreign(archive, "one that ends too early, or something else");
    }
  } catch (cause) {
    throw cause instanceof ArchiveFault ? cause : unreadable(archive, cause);
  } finally {
    await handle.close();
  }
}

const foreign = (file: string, found: string) =>
  new ArchiveFault({
    file,
    wanted: "an archive that `runs export` made",
    found,
    fix: "Export the run again, and copy the file whole.",
  });

const unreadable = (file: string, cause: unknown) =>
  new ArchiveFault({
    file,
    wanted: "an archive that `runs export` made",
    found: errnoOf(cause) === "ENOENT"
      ? "no such file"
      : errnoOf(cause) === "EISDIR"
      ? "a folder"
      : cause instanceof Error
      ? cause.message
      : "one that cannot be read",
    fix: "Check the path.",
    cause,
  });

const changedMeanwhile = ({ message }: Tar.TarError) =>
  new ArchiveFault({
    wanted: "files that stay as they are while they are packed",
    found: message,
    fix: "Give the command again when nothing works in the run's folder.",
  });
