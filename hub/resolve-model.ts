// From what the user wrote to a folder or file on this disk: a path that exists is taken as it is, an id
// is looked up on the hub and its files brought into the cache. `locateModel` never uses the network.
// The trap: offline, or when the hub can't be reached, what the cache has of a revision is taken, even
// if the hub may have a better fitting variant; online, the hub is asked which commit a branch means.
import { join } from "node:path";
import { noteAbsent } from "./cache-folder.ts";
import { cachedModel, chooseFiles, type FileChoice, readHubJson } from "./cached-model.ts";
import { refuseIncomplete } from "./files.ts";
import { type Hub, type HubTools, hubTools, type Waiting } from "./hub-client.ts";
import { HubFileNotFound, HubUnreachable, NotInCache } from "./hub-fault.ts";
import { currentCommit, listRepository } from "./hub-listing.ts";
import { type HubSettings, hubSettings } from "./hub-settings.ts";
import { localPath, mistypedPath, orMistypedPath, repoNamed } from "./local-path.ts";
import { nearestFew } from "../lib/nearest.ts";
import type { HubProgress } from "./progress.ts";
import type { RepoName } from "./repo-name.ts";
import { fetchFiles, rememberRevision } from "./snapshot.ts";

export interface ModelChoice extends FileChoice {
  /** A branch, tag or commit; "main" if not given. */
  readonly revision?: string | undefined;
  /** What the environment says, unless given. */
  readonly settings?: HubSettings;
}

export interface HubOptions {
  readonly onProgress?: (progress: HubProgress) => void;
  readonly onWait?: Waiting;
  /** Use the cache alone; HF_HUB_OFFLINE says it too. */
  readonly offline?: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly tools?: HubTools;
}

export interface ResolvedModel {
  readonly path: string;
  /** Of a model from the hub. */
  readonly commit?: string;
  readonly kind: "folder" | "single-file";
  /** What the user should know, e.g. that the hub could not be asked. */
  readonly note?: string;
  readonly notDownloaded?: undefined;
}

/** A model on the hub that is not here, or not all of it. */
export interface AbsentModel {
  readonly id: string;
  readonly revision: string;
  /** The files that are known to be missing; empty when nothing of it is here. */
  readonly notDownloaded: readonly string[];
  /** What else the name may mean. */
  readonly mistyped?: string;
}

/**
 * Where a model is, downloading what is missing. Throws HubSettingsFault, ModelNameFault, NotInCache,
 * RepositoryNotFound, RevisionNotFound, HubFileNotFound, HubAccessFault, HubContentFault,
 * HubUnreachable, DigestFault or CacheStorageFault.
 */
export async function resolveModel(
  name: string,
  options: ModelChoice & HubOptions = {},
): Promise<ResolvedModel> {
  const local = await localPath(name);
  if (local !== undefined) return local;
  const settings = options.settings ?? hubSettings();
  const repo = await repoNamed(name, "model", settings);
  const revision = options.revision ?? repo.revision ?? "main";
  const here = await cachedModel(settings, repo, revision, options);
  if (options.offline ?? settings.offline) {
    if ("missing" in here) throw notInCache(settings, repo, revision, here.missing);
    return { path: here.path, commit: here.commit, kind: here.kind };
  }
  if ("path" in here && here.exact && revision === here.commit) {
    return { path: here.path, commit: here.commit, kind: here.kind };
  }
  const { tools = hubTools, signal, onWait } = options;
  const hub: Hub = { settings, tools, onWait, ...(signal === undefined ? {} : { signal }) };
  try {
    const commit = await currentCommit(hub, repo, revision).catch(async (cause) => {
      throw "path" in here ? cause : await orMistypedPath(name, cause);
    });
    return await download(hub, repo, revision, commit, options);
  } catch (cause) {
    if (cause instanceof HubUnreachable && "path" in here) {
      const note =
        `The hub could not be asked (${cause.found}): commit ${here.commit} of the cache.`;
      return { path: here.path, commit: here.commit, kind: here.kind, note };
    }
    throw cause;
  }
}

/** The same from the cache alone. Throws ModelNameFault and HubContentFault. */
export async function locateModel(
  name: string,
  choice: ModelChoice = {},
): Promise<ResolvedModel | AbsentModel> {
  const local = await localPath(name);
  if (local !== undefined) return local;
  const settings = choice.settings ?? hubSettings();
  const repo = await repoNamed(name, "model", settings);
  const revision = choice.revision ?? repo.revision ?? "main";
  const here = await cachedModel(settings, repo, revision, choice);
  return "missing" in here
    ? {
      id: repo.id,
      revision,
      notDownloaded: here.missing,
      ...(here.missing.length === 0 ? await mistypedPath(name) : {}),
    }
    : { path: here.path, commit: here.commit, kind: here.kind };
}

async function download(
  hub: Hub,
  repo: RepoName,
  revision: string,
  commit: string,
  options: ModelChoice & HubOptions,
): Promise<ResolvedModel> {
  const listed = await listRepository(hub, repo, commit);
  if (repo.file !== undefined && !listed.has(repo.file)) {
    await noteAbsent(hub.settings, repo, commit, repo.file);
    const close = nearestFew(repo.file, listed.keys());
    throw new HubFileNotFound({
      key: repo.id,
      wanted: `${repo.file} in ${repo.id} at ${revision}`,
      found: "no such file",
      fix: close.length > 0 ? `There is ${close.join(", ")}.` : "Check the name.",
    });
  }
  const fetchPaths = (paths: readonly string[], onProgress?: HubOptions["onProgress"]) =>
    fetchFiles(hub, repo, commit, paths.map((path) => listed.get(path)!), onProgress);
  const listing = {
    id: repo.id,
    paths: new Set(listed.keys()),
    readJson: async (path: string) =>
      await readHubJson(repo.id, join(await fetchPaths([path]), path)),
  };
  const needed = await chooseFiles(listing, repo, options);
  refuseIncomplete(listing, needed);
  const folder = await fetchPaths(needed.files, options.onProgress);
  for (const path of needed.replaced) await noteAbsent(hub.settings, repo, commit, path);
  await rememberRevision(hub.settings, repo, revision, commit);
  return { path: join(folder, needed.root), commit, kind: needed.kind };
}

function notInCache(
  settings: HubSettings,
  { id }: RepoName,
  revision: string,
  missing: readonly string[],
): NotInCache {
  return new NotInCache({
    key: id,
    file: settings.cacheDir,
    wanted: `${id} at ${revision} in the cache, being offline`,
    found: missing.length === 0 ? "no whole copy of it" : `all but ${missing.join(", ")}`,
    fix: "Unset HF_HUB_OFFLINE and run again, or set HF_HUB_CACHE to where it is; " +
      "if a path was meant, there is no such file or folder.",
  });
}
