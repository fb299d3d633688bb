// What lies in a store, file by file, and which of it a set of references needs: an artefact whose value is
// referred to, all blobs that it names, and blobs that are referred to themselves.
// The trap: an entry of the store that cannot be read needs nothing; it is made again when asked for.
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { Result, Schema } from "effect";
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

const namesIn = (folder: string) =>
  readdir(folder).catch((cause) => {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return [] as string[];
    throw cause;
  });

/** Files two levels down, as `blobs/ab/abcd`. */
async function inShelves(store: string, room: string): Promise<readonly string[]> {
  const shelves = await namesIn(join(store, room));
  const paths = await Promise.all(
    shelves.map(async (shelf) =>
      (await namesIn(join(store, room, shelf))).map((name) => `${room}/${shelf}/${name}`)
    ),
  );
  return paths.flat();
}

const sized = async (store: string, path: string): Promise<StoredFile> => ({
  path,
  bytes: (await stat(join(store, path))).size,
});

/** Nothing where there is no store. Throws what reading it throws. */
export async function readStore(store: string): Promise<StoreContents> {
  const blobs = await Promise.all(
    (await inShelves(store, "blobs")).map((path) => sized(store, path)),
  );
  const entries = (await namesIn(join(store, "artefacts"))).map((name) => `artefacts/${name}`);
  const artefacts = await Promise.all(entries.map(async (path) => {
    const read = decodeArtefact(await readFile(join(store, path), "utf8"));
    const entry = Result.isSuccess(read) ? read.success.entry : null;
    return {
      ...await sized(store, path),
      stage: entry?.ingredients.stage ?? null,
      values: Object.values(entry?.outputs ?? {}).map(({ digest }) => digest),
      blobs: (entry?.blobs ?? []).map(({ digest }) => digest),
    };
  }));
  const memos = await Promise.all((await inShelves(store, "memos")).map(async (path) => {
    const read = decodeMemo(await readFile(join(store, path), "utf8"));
    return {
      ...await sized(store, path),
      blob: Result.isSuccess(read) ? read.success.entry.digest : null,
    };
  }));
  return {
    blobs: new Map(blobs.map((file) => [file.path.split("/")[2], file])),
    artefacts,
    memos,
  };
}

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
