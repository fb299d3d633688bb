// Bytes by their SHA-256, in `blobs/ab/abcd...` of the store beside the runs. Written once, atomically,
// and checked whenever they are read: a blob that does not match its name does not exist.
// The trap: `verify` trusts size and times (see digest-cache.ts); only `get` reads every byte again.
import { join } from "node:path";
import { Effect } from "effect";
import { diskFault, errnoOf } from "../../lib/disk-fault.ts";
import { type Fault, fault } from "../../lib/fault.ts";
import { Files } from "../../lib/files.ts";
import { sha256 } from "../../lib/sha256.ts";
import type { Blob } from "../artefact.ts";
import type { DigestCache } from "./digest-cache.ts";
import type { SharedWrite } from "./shared-write.ts";

/** A blob that is damaged or gone. The runner makes again what wrote it. */
export class CorruptBlob extends fault("CorruptBlob", "world") {}

export type BlobState = "sound" | "missing" | "corrupt";

export interface BlobStore {
  readonly pathOf: (digest: string) => string;
  readonly put: (bytes: Uint8Array) => Effect.Effect<Blob, Fault>;
  /** Fails with `CorruptBlob`. */
  readonly get: (blob: Blob) => Effect.Effect<Uint8Array, Fault>;
  readonly verify: (blob: Blob) => Effect.Effect<BlobState, Fault>;
}

export const openBlobStore = Effect.fnUntraced(function* (
  folder: string,
  digests: DigestCache,
  write: SharedWrite,
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
    yield* digests.remember(path, blob.digest);
    return blob;
  });

  const verify = (blob: Blob) =>
    digests.digestFile(pathOf(blob.digest)).pipe(
      Effect.map((digest): BlobState => digest === blob.digest ? "sound" : "corrupt"),
      Effect.catchIf(
        (error) => error._tag === "FileMissing",
        () => Effect.succeed<BlobState>("missing"),
      ),
    );

  return { pathOf, put, get, verify } satisfies BlobStore;
});
