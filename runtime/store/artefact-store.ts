// Results of stages by fingerprint: `artefacts/<fingerprint>.json` names the blob of each output. It is
// written last, so it exists only when all that it names does. `memos/` does the same for the parts of a
// stage's work, and `latest/` keeps what the last result of each stage was made of, to say what changed.
// The trap: every entry carries its own digest; one that does not match is treated as damaged.
import { join } from "node:path";
import { Effect, Schema } from "effect";
import { canonicalJson, digestJson } from "../../lib/canonical-json.ts";
import { errnoOf } from "../../lib/disk-fault.ts";
import type { Fault } from "../../lib/fault.ts";
import { Files } from "../../lib/files.ts";
import { sha256 } from "../../lib/sha256.ts";
import { Blob } from "../artefact.ts";
import { CacheKey } from "./fingerprint.ts";
import { openBlobStore } from "./blob-store.ts";
import { type DigestCache, openDigestCache } from "../../lib/digest-cache.ts";
import { openSharedWrite } from "../../lib/shared-write.ts";

export const ArtefactEntry = Schema.Struct({
  fingerprint: Schema.String,
  ingredients: CacheKey,
  /** The canonical JSON of each output's value, as a blob. */
  outputs: Schema.Record(Schema.String, Blob),
  /** What those values refer to. */
  blobs: Schema.Array(Blob),
  /** What was warned of when it was made, without folders: each run that takes it says so. */
  warnings: Schema.optionalKey(Schema.Array(Schema.String)),
});
export type ArtefactEntry = typeof ArtefactEntry.Type;

type BlobState = "sound" | "missing" | "corrupt";

/** What stands under a name: a sound entry, none, or a damaged one (and what is damaged). */
export type Found<A> =
  | { readonly found: "sound"; readonly entry: A }
  | { readonly found: "none" }
  | { readonly found: "missing" | "corrupt"; readonly what: string };

const Latest = Schema.Struct({ fingerprint: Schema.String, ingredients: CacheKey });
export type Latest = typeof Latest.Type;

type Sealed<A> = Schema.Codec<{ readonly seal: string; readonly entry: A }, string>;

const sealed = <A>(schema: Schema.Codec<A, any>): Sealed<A> =>
  Schema.fromJsonString(Schema.Struct({ seal: Schema.String, entry: schema }));
const sealedArtefact = sealed(ArtefactEntry);
const sealedMemo = sealed(Blob);
const sealedLatest = sealed(Latest);

/** The store's folder among the runs that share it. */
export const storeName = ".gnomic-store";

export interface Store extends Effect.Success<ReturnType<typeof openStore>> {}

/** `folder` is made when something is first written. */
export const openStore = Effect.fn("openStore")(function* (folder: string) {
  const files = yield* Files;
  const write = yield* openSharedWrite(folder);
  const digests: DigestCache = yield* openDigestCache(join(folder, "digests.json"), write);
  const blobs = yield* openBlobStore(folder, write, digests.remember);

  /** Trusts size and times (digest-cache.ts); only `get` reads every byte again. */
  const verify = (blob: Blob) =>
    digests.digestFile(blobs.pathOf(blob.digest)).pipe(
      Effect.map((digest): BlobState => digest === blob.digest ? "sound" : "corrupt"),
      Effect.catchIf(
        (error) => error._tag === "FileMissing",
        () => Effect.succeed<BlobState>("missing"),
      ),
    );

  const seal = <A>(path: string, entry: A) =>
    write(path, canonicalJson({ seal: digestJson(entry), entry }), "an entry of the store");

  const unseal = <A>(path: string, schema: Sealed<A>): Effect.Effect<Found<A>> =>
    files.readFileString(path).pipe(
      Effect.flatMap(Schema.decodeEffect(schema)),
      Effect.map(({ seal, entry }): Found<A> =>
        digestJson(entry) === seal ? { found: "sound", entry } : { found: "corrupt", what: "entry" }
      ),
      Effect.catch((error) =>
        Effect.succeed<Found<A>>(
          errnoOf(error) === "ENOENT" ? { found: "none" } : { found: "corrupt", what: "entry" },
        )
      ),
    );

  /** The first of these that is not sound. */
  const damaged = Effect.fnUntraced(function* (all: readonly (readonly [string, Blob])[]) {
    const states = yield* Effect.forEach(
      all,
      ([what, blob]) => Effect.map(verify(blob), (state) => ({ what, state })),
      { concurrency: 16 },
    );
    return states.find(({ state }) => state !== "sound") as
      | { readonly what: string; readonly state: Exclude<BlobState, "sound"> }
      | undefined;
  });

  const checked = <A>(
    found: Found<A>,
    parts: (entry: A) => readonly (readonly [string, Blob])[],
  ): Effect.Effect<Found<A>, Fault> =>
    found.found !== "sound"
      ? Effect.succeed(found)
      : Effect.map(damaged(parts(found.entry)), (bad): Found<A> =>
        bad === undefined ? found : { found: bad.state, what: bad.what });

  const artefactPath = (fingerprint: string) => join(folder, "artefacts", `${fingerprint}.json`);
  const memoPath = (key: string) => join(folder, "memos", key.slice(0, 2), `${key}.json`);
  const latestPath = (pipeline: string, stage: string) =>
    join(folder, "latest", `${sha256(canonicalJson([pipeline, stage]))}.json`);

  return {
    folder,
    digests,
    put: blobs.put,
    get: blobs.get,
    /** Looks a result up and checks all that it needs. */
    find: (fingerprint: string) =>
      Effect.flatMap(
        unseal(artefactPath(fingerprint), sealedArtefact),
        (found) =>
          found.found === "sound" && found.entry.fingerprint !== fingerprint
            ? Effect.succeed<Found<ArtefactEntry>>({
              found: "corrupt",
              what: "entry of another name",
            })
            : checked(found, ({ outputs, blobs }) => [
              ...Object.entries(outputs),
              ...blobs.map((blob) => [`blob ${blob.digest.slice(0, 8)}`, blob] as const),
            ]),
      ),
    keep: (entry: ArtefactEntry) => seal(artefactPath(entry.fingerprint), entry),
    findMemo: (key: string) =>
      Effect.flatMap(
        unseal(memoPath(key), sealedMemo),
        (found) => checked(found, (blob) => [["blob", blob]]),
      ),
    keepMemo: (key: string, blob: Blob) => seal(memoPath(key), blob),
    latest: (pipeline: string, stage: string) => unseal(latestPath(pipeline, stage), sealedLatest),
    keepLatest: (pipeline: string, stage: string, latest: Latest) =>
      seal(latestPath(pipeline, stage), latest),
  };
});
