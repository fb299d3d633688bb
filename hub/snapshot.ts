// A repository at one commit in the cache: what is here of it, and bringing in what is wanted. The trap:
// a branch moves, so it is turned into a commit once and everything after that speaks of the commit;
// which commit it was is written down last, so that offline it leads to a snapshot that is whole.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { isFault } from "../lib/fault.ts";
import {
  blobPath,
  cachedCommit,
  cachedFiles,
  noteRevision,
  placeInSnapshot,
  repoFolder,
  sizeOf,
  snapshotFolder,
  tagCache,
} from "./cache-folder.ts";
import type { RepoFile } from "./checked-copy.ts";
import { downloadBlob } from "./download.ts";
import type { Hub } from "./hub-client.ts";
import { cacheFault, CacheStorageFault } from "./hub-fault.ts";
import type { HubSettings } from "./hub-settings.ts";
import { type HubProgress, progressMeter } from "./progress.ts";
import type { Repository } from "./repo-name.ts";

/** What is known of a commit without the network. */
export interface CachedSnapshot {
  readonly commit: string;
  readonly folder: string;
  /** Files that are here. */
  readonly files: ReadonlySet<string>;
  /** Files that the repository has, if Python's library left its listing. */
  readonly listed?: ReadonlySet<string>;
}

export async function cachedSnapshot(
  settings: HubSettings,
  repo: Repository,
  revision: string,
): Promise<CachedSnapshot | undefined> {
  const commit = await cachedCommit(settings, repo, revision);
  if (commit === undefined) return undefined;
  const files = await cachedFiles(settings, repo, commit);
  if (files === undefined) return undefined;
  const listed = await pythonListing(settings, repo, commit);
  const folder = snapshotFolder(settings, repo, commit);
  return { commit, folder, files, ...(listed === undefined ? {} : { listed }) };
}

/** `trees/<commit>.json` of huggingface_hub 1 and later: the paths of a commit never change. */
async function pythonListing(settings: HubSettings, repo: Repository, commit: string) {
  try {
    const file = join(repoFolder(settings, repo), "trees", `${commit}.json`);
    const { format_version, files } = JSON.parse(await readFile(file, "utf8"));
    return format_version === 1 ? new Set(Object.keys(files)) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Brings `files` into the snapshot of `commit`; those that are there cost nothing and need no right to
 * write. Throws what downloadBlob throws; a disk that is too small is told before anything comes.
 */
export async function fetchFiles(
  hub: Hub,
  repo: Repository,
  commit: string,
  files: readonly RepoFile[],
  onProgress: (progress: HubProgress) => void = () => {},
): Promise<string> {
  const { settings, tools } = hub;
  const folder = snapshotFolder(settings, repo, commit);
  const missing: RepoFile[] = [];
  for (const file of files) {
    if (await sizeOf(join(folder, file.path)) !== file.size) missing.push(file);
  }
  if (missing.length === 0) return folder;
  missing.sort((a, b) => a.size - b.size);
  const total = missing.reduce((sum, { size }) => sum + size, 0);
  const meter = progressMeter(total, tools.now, onProgress);
  try {
    await tools.disk.makeFolder(repoFolder(settings, repo));
    await tagCache(settings);
    await checkSpace(hub, repo, missing);
    for (const file of missing) {
      const fresh = await downloadBlob(hub, { repo, commit, file }, {
        skip: meter.skip,
        arrived: (bytes) => meter.arrived(file.path, bytes),
      });
      await placeInSnapshot(settings, repo, { commit, path: file.path, etag: file.etag, fresh });
      meter.fileDone(file.path);
    }
  } catch (cause) {
    throw isFault(cause) ? cause : cacheFault(folder, cause);
  }
  return folder;
}

async function checkSpace(hub: Hub, repo: Repository, files: readonly RepoFile[]): Promise<void> {
  const folder = repoFolder(hub.settings, repo);
  let needed = 0;
  for (const { etag, size } of files) {
    const blob = blobPath(hub.settings, repo, etag);
    needed += size - (await sizeOf(blob) ?? await sizeOf(`${blob}.gnomic.incomplete`) ?? 0);
  }
  const free = await hub.tools.disk.freeBytes(folder);
  if (needed <= free) return;
  const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;
  throw new CacheStorageFault({
    file: folder,
    wanted: `${gigabytes(needed)} of disk space for ${repo.id}`,
    found: gigabytes(free),
    fix: "Free some space, or put the cache elsewhere with HF_HUB_CACHE.",
  });
}

/** `refs/<revision>`, when the cache can be written; without it all works, only not offline. */
export async function rememberRevision(
  settings: HubSettings,
  repo: Repository,
  revision: string,
  commit: string,
): Promise<void> {
  await noteRevision(settings, repo, revision, commit).catch(() => {});
}
