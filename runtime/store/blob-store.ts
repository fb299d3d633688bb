// Bytes by their SHA-256, in `blobs/ab/abcd...` of a folder: the store's, or a run's own. Written once,
// atomically, and checked whenever they are read: a blob that does not match its name does not exist.
// The trap: the store may be deleted at any time, so what a run cannot make again belongs into its own.
import { dirname, join } from "node:path";
import { Effect } from "effect";
import { atomicWrite, makeFolder } from "../../lib/atomic-write.ts";
import { diskFault, errnoOf } from "../../lib/disk-fault.ts";
import { type Fault, fault } from "../../lib/fault.ts";
import { Files } from "../../lib/files.ts";
import { sha256 } from "../../lib/sha256.ts";
import type { Blob } from "../artefact.ts";
import type { SharedWrite } from "../../lib/shared-write.ts";

/** A blob that is damaged or gone. The runner makes again what wrote it. */
export class CorruptBlob extends fault("CorruptBlob", "world") {}

export interface BlobStore {
  readonly pathOf: (digest: string) => string;
  readonly put: (bytes: Uint8Array) => Effect.Effect<Blob, Fault>;
  /** Fails with `CorruptBlob`. */
  readonly get: (blob: Blob) => Effect.Effect<Uint8Array, Fault>;
}

/** `written` is told of each blob that was not there. */
export const openBlobStore = Effect.fn("openBlobStore")(function* (
  folder: string,
  write: SharedWrite,
  written: (path: string, digest: string) => Effect.Effect<void, Fault> = () => Effect.void,
) {
  const files = yield* Files;
  const pathOf = (digest: string) => join(folder, "blobs", digest.slice(0, 2), digest);

  const read = (blob: Blob) =>
    files.readFile(pathOf(blob.digest)).pipe(
      Effect.mapError((cause) =>
        errnoOf(cause) === "ENOENT"
          ? corrupt(blob, "nothing")
          : diskFault(pathOf(blob.digest), "to read this blob")(cause)
      ),
    );

  const corrupt = (blob: Blob, found: string): Fault =>
    new CorruptBlob({
      file: pathOf(blob.digest),
      wanted: `${blob.bytes} bytes whose SHA-256 is the file's name`,
      found,
      fix: "Give the same command again: what wrote it is made again.",
    });

  const get = Effect.fnUntraced(function* (blob: Blob) {
    const bytes = yield* read(blob);
    if (sha256(bytes) !== blob.digest) {
      return yield* Effect.fail(corrupt(blob, `${bytes.length} bytes with another digest`));
    }
    return bytes;
  });

  const put = Effect.fnUntraced(function* (bytes: Uint8Array) {
    const blob: Blob = { digest: sha256(bytes), bytes: bytes.length };
    const path = pathOf(blob.digest);
    if (yield* Effect.isSuccess(get(blob))) return blob;
    yield* write(path, bytes, "a blob");
    yield* written(path, blob.digest);
    return blob;
  });

  return { pathOf, put, get } satisfies BlobStore;
});

/** The blobs of a run's own folder, where nobody else writes. */
export const openRunBlobs = (runDir: string) =>
  openBlobStore(
    runDir,
    (path, content, what) =>
      Effect.andThen(makeFolder(dirname(path)), atomicWrite(path, content, { what })),
  );
