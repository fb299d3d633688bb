// What the cache alone can say of a model. With Python's listing of the commit it is exact; without it,
// what can be made of the files that are here counts, as long as nothing says they are not all.
// The trap: a lone .safetensors in a snapshot may be all that was ever fetched of a diffusers folder, so
// it counts as a single-file model only where `.no_exist` or the listing says there is no folder.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { isKnownAbsent } from "./cache-folder.ts";
import { type Listing, modelFiles, type NeededFiles, vaeFiles } from "./files.ts";
import { HubContentFault } from "./hub-fault.ts";
import type { HubSettings } from "./hub-settings.ts";
import type { RepoName } from "./repo-name.ts";
import { type CachedSnapshot, cachedSnapshot } from "./snapshot.ts";

/** Which files of a repository are meant. */
export interface FileChoice {
  /** Which weights, e.g. "fp16"; a component without them falls back to the plain ones. */
  readonly variant?: string | undefined;
  /** The name is of a VAE, not of a whole model. */
  readonly vae?: boolean;
}

export interface CachedModel {
  readonly path: string;
  readonly commit: string;
  readonly kind: "folder" | "single-file";
  /** The hub would not choose other files of this commit. */
  readonly exact: boolean;
}

/** The model, or the files of it that are known to be missing. Throws HubContentFault. */
export async function cachedModel(
  settings: HubSettings,
  repo: RepoName,
  revision: string,
  choice: FileChoice,
): Promise<CachedModel | { readonly missing: readonly string[] }> {
  const snapshot = await cachedSnapshot(settings, repo, revision);
  if (snapshot === undefined) return { missing: [] };
  const needed = await neededHere(repo, snapshot, choice);
  const missing = [...needed.missing, ...needed.files.filter((path) => !snapshot.files.has(path))];
  if (missing.length > 0) return { missing };
  const { commit, folder, listed } = snapshot;
  let exact = true;
  for (const path of needed.replaced) {
    exact &&= listed !== undefined || await isKnownAbsent(settings, repo, commit, path);
  }
  if (needed.replaced.includes("model_index.json") && !exact) return { missing: needed.replaced };
  return { path: join(folder, needed.root), commit, kind: needed.kind, exact };
}

async function neededHere(
  repo: RepoName,
  { folder, files, listed }: CachedSnapshot,
  choice: FileChoice,
): Promise<NeededFiles> {
  const absent = new Set<string>();
  const readJson = async (path: string) => {
    if (files.has(path)) return await readHubJson(repo.id, join(folder, path));
    absent.add(path);
    throw new Error(`${path} is not in the cache`);
  };
  try {
    return await chooseFiles({ id: repo.id, paths: listed ?? files, readJson }, repo, choice);
  } catch (cause) {
    const isPartial = cause instanceof HubContentFault && !files.has("model_index.json");
    if (absent.size === 0 && !isPartial) throw cause;
    const missing = absent.size > 0 ? [...absent] : ["model_index.json"];
    return { kind: "folder", root: "", files: [], replaced: [], missing };
  }
}

/** The one file that the name says, or what a model or VAE is made of. */
export function chooseFiles(
  listing: Listing,
  { file }: RepoName,
  { vae, variant }: FileChoice,
): Promise<NeededFiles> {
  if (file === undefined) {
    return vae === true ? vaeFiles(listing, variant) : modelFiles(listing, variant);
  }
  const [files, missing] = listing.paths.has(file) ? [[file], []] : [[], [file]];
  return Promise.resolve({ kind: "single-file", root: file, files, replaced: [], missing });
}

/** A JSON file of a repository. Throws HubContentFault. */
export async function readHubJson(id: string, file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, "utf8"));
  } catch (cause) {
    throw new HubContentFault({
      key: id,
      file,
      wanted: "JSON",
      found: cause instanceof Error ? cause.message : String(cause),
      fix: "Remove the file, so that it is downloaded again.",
      cause,
    });
  }
}
