// A dataset of the hub as far as it is a folder of pictures with metadata.jsonl or metadata.csv files
// (their `file_name` is relative to the metadata file). Parquet and archives are refused: there is no
// reader for them here. The trap: only the split "train" counts, so with a folder of that name the
// pictures outside it are left alone.
import { readdir } from "node:fs/promises";
import { currentCommit, listRepository } from "./hub-listing.ts";
import { cachedSnapshot, fetchFiles, rememberRevision } from "./snapshot.ts";
import { type Hub, hubTools } from "./hub-client.ts";
import { HubContentFault, HubUnreachable, NotInCache } from "./hub-fault.ts";
import { type HubSettings, hubSettings } from "./hub-settings.ts";
import { localPath, repoNamed } from "./local-path.ts";
import type { HubOptions } from "./resolve-model.ts";

export interface DatasetChoice {
  readonly revision?: string | undefined;
  readonly settings?: HubSettings;
}

export interface ResolvedDataset {
  /** The folder that the other paths start from. */
  readonly path: string;
  readonly commit?: string;
  /** metadata.jsonl and metadata.csv files, sorted. */
  readonly metadata: readonly string[];
  /** Picture files, sorted. */
  readonly pictures: readonly string[];
  readonly notDownloaded?: undefined;
}

export interface AbsentDataset {
  readonly id: string;
  readonly revision: string;
  readonly notDownloaded: true;
}

const picture = /\.(?:jpe?g|png|webp|avif|heic|heif|bmp|gif|tiff?)$/i;
const metadataFile = /(?:^|\/)metadata\.(?:jsonl|csv)$/;

/** Which of a dataset's paths are wanted. Throws HubContentFault. */
export function datasetFiles(id: string, paths: Iterable<string>) {
  const all = [...paths].sort();
  const inTrain = all.filter((path) => /(?:^|\/)train\//.test(path));
  const split = inTrain.some((path) => picture.test(path)) ? inTrain : all;
  const pictures = split.filter((path) => picture.test(path));
  const metadata = all.filter((path) => metadataFile.test(path))
    .filter((path) => split === all || !/(?:^|\/)(?:test|validation|valid|dev)\//.test(path));
  if (pictures.length > 0 && metadata.length > 0) return { metadata, pictures };
  const other = all.filter((path) => /\.(?:parquet|arrow|zip|tar|tar\.gz|tgz)$/.test(path));
  throw new HubContentFault({
    key: id,
    wanted: "pictures and a metadata.jsonl or metadata.csv with their captions",
    found: other.length > 0
      ? `${other.slice(0, 3).join(", ")}${other.length > 3 ? `, ... (${other.length} in all)` : ""}`
      : pictures.length > 0
      ? `${pictures.length} pictures without metadata`
      : "no pictures",
    fix: other.length > 0
      ? "Unpack it once into a folder of pictures with a .jsonl file beside them, and use that as an " +
        "IMAGE_CAPTION_JSONL_DATASET."
      : "Download it and use it as an IMAGE_CAPTION_DIR_DATASET or IMAGE_DIR_DATASET, or name another.",
  });
}

/** Where a dataset is, by the cache alone. Throws ModelNameFault and HubContentFault. */
export async function locateDataset(
  name: string,
  choice: DatasetChoice = {},
): Promise<ResolvedDataset | AbsentDataset> {
  const settings = choice.settings ?? hubSettings();
  const local = await localPath(name);
  if (local?.kind === "folder") {
    const entries = await readdir(local.path, { recursive: true });
    const paths = entries.map((path) => path.replaceAll("\\", "/"));
    return { path: local.path, ...datasetFiles(name, paths) };
  }
  const repo = await repoNamed(name, "dataset", settings);
  const revision = choice.revision ?? repo.revision ?? "main";
  const snapshot = await cachedSnapshot(settings, repo, revision);
  const absent: AbsentDataset = { id: repo.id, revision, notDownloaded: true };
  if (snapshot === undefined) return absent;
  const { folder, commit, files, listed } = snapshot;
  const wanted = datasetFiles(repo.id, listed ?? files);
  const isWhole = [...wanted.metadata, ...wanted.pictures].every((path) => files.has(path));
  return isWhole ? { path: folder, commit, ...wanted } : absent;
}

/** The same, downloading what is missing; throws as `resolveModel` does. */
export async function downloadDataset(
  name: string,
  options: DatasetChoice & HubOptions = {},
): Promise<ResolvedDataset> {
  const settings = options.settings ?? hubSettings();
  const here = await locateDataset(name, { ...options, settings });
  const offline = options.offline ?? settings.offline;
  if (here.notDownloaded === undefined && (offline || here.commit === undefined)) return here;
  const repo = await repoNamed(name, "dataset", settings);
  const revision = options.revision ?? repo.revision ?? "main";
  if (offline) {
    throw new NotInCache({
      key: repo.id,
      file: settings.cacheDir,
      wanted: `the dataset ${repo.id} at ${revision} in the cache, being offline`,
      found: "not all of it",
      fix: "Unset HF_HUB_OFFLINE and run again, or set HF_HUB_CACHE to where it is.",
    });
  }
  const { tools = hubTools, signal } = options;
  const hub: Hub = { settings, tools, ...(signal === undefined ? {} : { signal }) };
  try {
    const commit = await currentCommit(hub, repo, revision);
    const listed = await listRepository(hub, repo, commit);
    const wanted = datasetFiles(repo.id, listed.keys());
    const files = [...wanted.metadata, ...wanted.pictures].map((path) => listed.get(path)!);
    const path = await fetchFiles(hub, repo, commit, files, options.onProgress);
    await rememberRevision(settings, repo, revision, commit);
    return { path, commit, ...wanted };
  } catch (cause) {
    if (cause instanceof HubUnreachable && here.notDownloaded === undefined) return here;
    throw cause;
  }
}
