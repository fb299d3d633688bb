// What lies in a store, file by file, and which of it a set of references needs: an artefact whose value is
// referred to, all blobs that it names, and blobs that are referred to themselves.
// The trap: an entry of the store that cannot be read needs nothing; it is made again when asked for.
import { join } from "node:path";
import { Effect, Result, Schema } from "effect";
import { asFault } from "../../lib/as-fault.ts";
import { errnoOf } from "../../lib/disk-fault.ts";
import type { Fault } from "../../lib/fault.ts";
import { Files } from "../../lib/files.ts";
import { Blob } from "../artefact.ts";
import { ArtefactEntry } from "../store/artefact-store.ts";

export interface StoredFile {
  /** Relative to the store, with forward slashes. */
  readonly path: string;
  readonly bytes: number;
}

export interface StoreContents {
  /** By digest. */
  readonly blobs: ReadonlyMap<string, StoredFile>;
  readonly artefacts: readonly (StoredFile & {
    readonly stage: string | null;
    readonly values: readonly string[];
    readonly blobs: readonly string[];
  })[];
  readonly memos: readonly (StoredFile & { readonly blob: string | null })[];
}

const sealed = <A, I>(entry: Schema.Codec<A, I>) =>
  Schema.decodeUnknownResult(Schema.fromJsonString(Schema.Struct({ entry })));
const decodeArtefact = sealed(ArtefactEntry);
const decodeMemo = sealed(Blob);

/** Nothing where there is no store. */
export const readStore = (store: string): Effect.Effect<StoreContents, Fault> =>
  Effect.gen(function* () {
    const files = yield* Files;
    const each = { concurrency: 16 } as const;
    /** Paths of what a folder of the store lists. */
    const listed = (folder: string) =>
      files.readDirectory(join(store, folder)).pipe(
        Effect.catchIf((error) => errnoOf(error) === "ENOENT", () => Effect.succeed([])),
        Effect.map((names) => names.map((name) => `${folder}/${name}`)),
      );
    /** Files two levels down, as `blobs/ab/abcd`. */
    const listedTwice = (folder: string) =>
      Effect.map(
        Effect.flatMap(listed(folder), (folders) => Effect.forEach(folders, listed, each)),
        (paths) => paths.flat(),
      );
    const sized = (path: string) =>
      Effect.map(files.stat(join(store, path)), ({ size }) => ({ path, bytes: Number(size) }));
    const entryIn = <A>(
      path: string,
      decode: (text: string) => Result.Result<{ entry: A }, unknown>,
    ) =>
      Effect.map(files.readFileString(join(store, path)), (text) => {
        const read = decode(text);
        return Result.isSuccess(read) ? read.success.entry : null;
      });

    const blobs = yield* Effect.forEach(yield* listedTwice("blobs"), sized, each);
    const artefacts = yield* Effect.forEach(
      yield* listed("artefacts"),
      (path) =>
        Effect.gen(function* () {
          const entry = yield* entryIn(path, decodeArtefact);
          return {
            ...yield* sized(path),
            stage: entry?.ingredients.stage ?? null,
            values: Object.values(entry?.outputs ?? {}).map(({ digest }) => digest),
            blobs: (entry?.blobs ?? []).map(({ digest }) => digest),
          };
        }),
      each,
    );
    const memos = yield* Effect.forEach(
      yield* listedTwice("memos"),
      (path) =>
        Effect.gen(function* () {
          const entry = yield* entryIn(path, decodeMemo);
          return { ...yield* sized(path), blob: entry?.digest ?? null };
        }),
      each,
    );
    return {
      blobs: new Map(blobs.map((file) => [file.path.split("/")[2], file])),
      artefacts,
      memos,
    };
  }).pipe(Effect.mapError(asFault));

/** The part of a store that `references` need. */
export function needed(contents: StoreContents, references: ReadonlySet<string>): StoreContents {
  const artefacts = contents.artefacts.filter(({ values }) =>
    values.some((value) => references.has(value))
  );
  const digests = new Set([
    ...references,
    ...artefacts.flatMap(({ values, blobs }) => [...values, ...blobs]),
  ]);
  return {
    artefacts,
    blobs: new Map([...contents.blobs].filter(([digest]) => digests.has(digest))),
    memos: contents.memos.filter(({ blob }) => blob !== null && digests.has(blob)),
  };
}
