// The cache folder that Python's hub library uses, in its layout: `models--org--name/` with
// `blobs/<etag>`, `snapshots/<commit>/path` (relative links into blobs), `refs/<revision>` (the commit,
// no newline) and `.no_exist/<commit>/path`. Reading it needs no network and writes nothing.
// The trap: a link may dangle (an interrupted or pruned cache), so existence is asked through the link;
// and where links can't be made the snapshot holds the file itself and `blobs` lacks it.
import {
  copyFile,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { randomUUID } from "node:crypto";
import { dirname, join, relative } from "node:path";
import type { HubSettings } from "./hub-settings.ts";
import { isSafePath, type Repository } from "./repo-name.ts";
import { makeFolders } from "../lib/make-folders.ts";
import { renameOver } from "../lib/rename-over.ts";

export const isCommit = (revision: string): boolean => /^[0-9a-f]{40}$/.test(revision);

/** `<cache>/models--org--name`. */
export const repoFolder = ({ cacheDir }: HubSettings, { type, id }: Repository): string =>
  join(cacheDir, [`${type}s`, ...id.split("/")].join("--"));

export const snapshotFolder = (settings: HubSettings, repo: Repository, commit: string): string =>
  join(repoFolder(settings, repo), "snapshots", commit);

export const blobPath = (settings: HubSettings, repo: Repository, etag: string): string =>
  join(repoFolder(settings, repo), "blobs", etag);

/** Beside Python's lock of the same blob: neither waits for the other, both place whole files only. */
export const lockPath = (settings: HubSettings, repo: Repository, etag: string): string =>
  join(
    settings.cacheDir,
    ".locks",
    `${repo.type}s--${repo.id.replace("/", "--")}`,
    `${etag}.gnomic`,
  );

const exists = (path: string): Promise<boolean> => stat(path).then(() => true, () => false);

/** The commit that a revision meant when it was last asked for. */
export async function cachedCommit(
  settings: HubSettings,
  repo: Repository,
  revision: string,
): Promise<string | undefined> {
  if (isCommit(revision)) return revision;
  if (!isSafePath(revision)) return undefined;
  const file = join(repoFolder(settings, repo), "refs", revision);
  const commit = await readFile(file, "utf8").catch(() => "");
  return isCommit(commit.trim()) ? commit.trim() : undefined;
}

/** Paths (with `/`) of the files of a snapshot that are whole, or `undefined` without a snapshot. */
export async function cachedFiles(
  settings: HubSettings,
  repo: Repository,
  commit: string,
): Promise<ReadonlySet<string> | undefined> {
  const folder = snapshotFolder(settings, repo, commit);
  if (!await exists(folder)) return undefined;
  const found = new Set<string>();
  const walk = async (below: string): Promise<void> => {
    for (const entry of await readdir(join(folder, below), { withFileTypes: true })) {
      const path = below === "" ? entry.name : `${below}/${entry.name}`;
      if (entry.isDirectory()) await walk(path);
      else if (await exists(join(folder, path))) found.add(path);
    }
  };
  await walk("");
  return found;
}

/** Whether the hub said that this commit has no such file. */
export const isKnownAbsent = (
  settings: HubSettings,
  repo: Repository,
  commit: string,
  path: string,
): Promise<boolean> => exists(join(repoFolder(settings, repo), ".no_exist", commit, path));

/** Remembers that a commit lacks a file. Never fails: it is only a hint for later. */
export async function noteAbsent(
  settings: HubSettings,
  repo: Repository,
  commit: string,
  path: string,
): Promise<void> {
  const file = join(repoFolder(settings, repo), ".no_exist", commit, path);
  try {
    await makeFolders(dirname(file));
    await writeFile(file, "");
  } catch {
    // A read-only cache is no reason to stop.
  }
}

/** Remembers which commit a branch or tag means now. Atomic; not written when it is right already. */
export async function noteRevision(
  settings: HubSettings,
  repo: Repository,
  revision: string,
  commit: string,
): Promise<void> {
  if (revision === commit || !isSafePath(revision)) return;
  if (await cachedCommit(settings, repo, revision) === commit) return;
  const file = join(repoFolder(settings, repo), "refs", revision);
  await makeFolders(dirname(file));
  const temporary = `${file}.${randomUUID()}.tmp`;
  await writeFile(temporary, commit);
  await renameOver(() => rename(temporary, file));
}

/** Marks the folder as a cache, for backup programs (bford.info/cachedir), as Python's library does. */
export const tagCache = ({ cacheDir }: HubSettings): Promise<void> =>
  writeFile(join(cacheDir, "CACHEDIR.TAG"), "Signature: 8a477f597d28d172789f06886806bc55\n", {
    flag: "wx",
  }).catch(() => {});

/** The size of a cached file behind its link, or `undefined`. */
export const sizeOf = (path: string): Promise<number | undefined> =>
  stat(path).then(({ size }) => size, () => undefined);

/**
 * Makes `snapshots/<commit>/<path>` show the blob: a relative link, or without links the file itself
 * (moved when the blob is `fresh`, else copied, since another snapshot may be using it).
 */
export async function placeInSnapshot(
  settings: HubSettings,
  repo: Repository,
  place: { commit: string; path: string; etag: string; fresh: boolean },
): Promise<void> {
  const pointer = join(snapshotFolder(settings, repo, place.commit), place.path);
  const blob = blobPath(settings, repo, place.etag);
  await makeFolders(dirname(pointer));
  const temporary = `${pointer}.${randomUUID()}.tmp`;
  const linked = settings.symlinks &&
    await symlink(relative(dirname(pointer), blob), temporary).then(() => true, noLinksHere);
  if (!linked) await (place.fresh ? rename(blob, temporary) : copyFile(blob, temporary));
  await renameOver(() => rename(temporary, pointer)).catch(async (cause) => {
    await rm(temporary, { force: true });
    throw cause;
  });
}

/** Windows without developer mode, and file systems that know no links. */
function noLinksHere(cause: NodeJS.ErrnoException): false {
  if (["EPERM", "ENOSYS", "ENOTSUP", "EOPNOTSUPP", "UNKNOWN"].includes(cause.code ?? "")) {
    return false;
  }
  throw cause;
}
