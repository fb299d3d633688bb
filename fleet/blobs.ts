// Bytes by their SHA-256 where every machine of a fleet reaches them: here a folder that all see. An object
// store would do as well: nothing is asked of it but to put and to get, written twice is harmless, and who
// points at what stands in the database.
// The trap: a share that is not mounted looks like an empty folder, so a folder has a mark, and without it
// nothing is written.
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { Effect } from "effect";
import { makeFolder } from "../lib/atomic-write.ts";
import { type Fault, fault } from "../lib/fault.ts";
import { openSharedWrite } from "../lib/shared-write.ts";
import { tryPromise } from "../lib/try-promise.ts";
import { type BlobStore, openBlobStore } from "../runtime/store/blob-store.ts";

export class BlobsAway extends fault("BlobsAway", "world", true) {}

/** `get` fails with CorruptBlob where the bytes are missing, cut or others. */
export interface Blobs extends Pick<BlobStore, "put" | "get"> {
  /** What people call it. */
  readonly shown: string;
}

const mark = ".gnomic-blobs";

/** In a folder, which is made where it is missing, unless the fleet has blobs already. */
export const folderBlobs = (folder: string, hasBlobs = false): Effect.Effect<Blobs, Fault> =>
  Effect.gen(function* () {
    const root = resolve(folder);
    if (!existsSync(join(root, mark))) {
      if (hasBlobs) {
        return yield* new BlobsAway({
          file: root,
          wanted: "the folder that has the blobs of this fleet's runs",
          found: `no ${mark} in it`,
          fix: `Mount it; if it is to be another folder, make an empty file ${mark} in it.`,
        });
      }
      yield* makeFolder(root);
      yield* tryPromise(() => writeFile(join(root, mark), ""));
    }
    const { put, get } = yield* openBlobStore(root, yield* openSharedWrite(root));
    const there = Effect.suspend(() =>
      existsSync(join(root, mark)) ? Effect.void : Effect.fail<Fault>(
        new BlobsAway({
          file: root,
          wanted: "the folder of blobs that the fleet shares",
          found: `no ${mark} in it`,
          fix: "Mount it again; trainings go on, and their newest snapshot is sent then.",
        }),
      )
    );
    return {
      shown: root,
      put: (bytes) => Effect.andThen(there, put(bytes)),
      get: (blob) => Effect.andThen(there, get(blob)),
    };
  });
