// A dataset by its name: a local folder, or a repository of the hub brought into the cache.
// The trap: a whole dataset can be huge; only what dataset-files.ts picks is fetched.
import { readdir } from "node:fs/promises";
import { type DatasetFiles, datasetFiles } from "./dataset-files.ts";
import { type Hub, hubTools } from "./hub-client.ts";
import { HubUnreachable, NotInCache } from "./hub-fault.ts";
import { currentCommit, listRepository } from "./hub-listing.ts";
import { type HubSettings, hubSettings } from "./hub-settings.ts";
import { localPath, mistypedPath, orMistypedPath, repoNamed } from "./local-path.ts";
import type { HubOptions } from "./resolve-model.ts";
import { cachedSnapshot, fetchFiles, rememberRevision } from "./snapshot.ts";

export interface DatasetChoice {
  readonly revision?: string | undefined;
  /** One of several configurations, by the name of its folder; null: all. */
  readonly config?: string | null;
  readonly settings?: HubSettings;
}

export interface ResolvedDataset extends DatasetFiles {
  /** The folder that the other paths start from. */
  readonly path: string;
  readonly commit?: string;
  /** What the user should know: that the hub could not be asked. */
  readonly note?: string;
  readonly notDownloaded?: undefined;
}

export interface AbsentDataset {
  readonly id: string;
  readonly revision: string;
  readonly notDownloaded: true;
  /** What else the name may mean. */
  readonly mistyped?: string;
}

const filesOf = ({ metadata, pictures, tables }: DatasetFiles): readonly string[] => [
  ...metadata,
  ...pictures,
  ...tables,
];

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
    return { path: local.path, ...datasetFiles(name, paths, choice.config) };
  }
  const repo = await repoNamed(name, "dataset", settings);
  const revision = choice.revision ?? repo.revision ?? "main";
  const snapshot = await cachedSnapshot(settings, repo, revision);
  const absent: AbsentDataset = { id: repo.id, revision, notDownloaded: true };
  if (snapshot === undefined) return { ...absent, ...await mistypedPath(name) };
  const { folder, commit, files, listed } = snapshot;
  const wanted = datasetFiles(repo.id, listed ?? files, choice.config);
  const isWhole = filesOf(wanted).every((path) => files.has(path));
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
  const { tools = hubTools, signal, onWait } = options;
  const hub: Hub = { settings, tools, onWait, ...(signal === undefined ? {} : { signal }) };
  try {
    const commit = await currentCommit(hub, repo, revision).catch(async (cause) => {
      throw here.notDownloaded ? await orMistypedPath(name, cause) : cause;
    });
    const listed = await listRepository(hub, repo, commit);
    const wanted = datasetFiles(repo.id, listed.keys(), options.config);
    const files = filesOf(wanted).map((path) => listed.get(path)!);
    const path = await fetchFiles(hub, repo, commit, files, options.onProgress);
    await rememberRevision(settings, repo, revision, commit);
    return { path, commit, ...wanted };
  } catch (cause) {
    if (!(cause instanceof HubUnreachable) || here.notDownloaded) throw cause;
    const note =
      `The hub could not be asked (${cause.found}): commit ${here.commit} of ${repo.id}.`;
    return { ...here, note };
  }
}
