// What the hub says of a repository: the commit that a branch means now, and the files of a commit with
// their sizes and digests. On @huggingface/hub's metadata calls; its downloader is not used, it neither
// resumes nor checks, and it is loaded when a hub is asked: most runs ask none, and it is half a megabyte.
// The trap: a listing names files to be written on this disk, so paths are checked.
import { shownJson } from "../lib/foreign-json.ts";
import { isCommit } from "./cache-folder.ts";
import type { RepoFile } from "./checked-copy.ts";
import { ask, type Hub, metadataFetch } from "./hub-client.ts";
import { HubContentFault, RevisionNotFound } from "./hub-fault.ts";
import { nearestFew } from "../lib/nearest.ts";
import { isSafePath, type Repository } from "./repo-name.ts";

/** The commit that a branch or tag means now. Throws RepositoryNotFound, RevisionNotFound, ... */
export async function currentCommit(
  hub: Hub,
  repo: Repository,
  revision: string,
): Promise<string> {
  if (isCommit(revision)) return revision;
  // Not `?expand=sha`, which hubs of other makers (Artifactory) do not know.
  const address = `${hub.settings.endpoint}/api/${repo.type}s/${repo.id}/revision/${
    encodeURIComponent(revision)
  }`;
  const sha: unknown = await ask(hub, async () => {
    const answer = await metadataFetch(hub, { repo, revision })(address);
    return Object(await answer.json()).sha;
  }).catch(async (cause) => {
    throw cause instanceof RevisionNotFound ? await withHints(hub, repo, revision, cause) : cause;
  });
  if (typeof sha === "string" && isCommit(sha)) return sha;
  throw new HubContentFault({
    key: repo.id,
    wanted: `the commit of revision ${revision}`,
    found: shownJson(sha),
    fix: "Check HF_ENDPOINT: this is not how a hub answers.",
  });
}

async function withHints(hub: Hub, repo: Repository, revision: string, fault: RevisionNotFound) {
  const address = `${hub.settings.endpoint}/api/${repo.type}s/${repo.id}/refs`;
  try {
    const answer = await metadataFetch(hub, { repo, revision })(address);
    const { branches = [], tags = [] } = await answer.json();
    const names: string[] = [...branches, ...tags].map(({ name }) => name);
    const close = nearestFew(revision, names);
    const shown = close.length > 0 ? close : names.slice(0, 5);
    return new RevisionNotFound({
      wanted: fault.wanted,
      found: fault.found,
      key: repo.id,
      fix: `There ${close.length > 0 ? "is" : "are"} ${shown.join(", ")}. If you meant a kind of ` +
        "weights such as fp16, that is the variant.",
    });
  } catch {
    return fault;
  }
}

const mostEntries = 100_000;

/** Every file of a commit, by path. */
export async function listRepository(
  hub: Hub,
  repo: Repository,
  commit: string,
): Promise<ReadonlyMap<string, RepoFile>> {
  const fetch = metadataFetch(hub, { repo, revision: commit });
  const name = repo.type === "model" ? repo.id : `datasets/${repo.id}`;
  const listing = new Map<string, RepoFile>();
  let entries = 0;
  await ask(hub, async () => {
    const { listFiles } = await import("@huggingface/hub");
    const hubUrl = hub.settings.endpoint;
    for await (
      const { type, path, size, oid, lfs } of listFiles({
        repo: name,
        recursive: true,
        revision: commit,
        hubUrl,
        fetch,
      })
    ) {
      if (++entries > mostEntries) {
        throw new HubContentFault({
          key: repo.id,
          wanted: `at most ${mostEntries} files and folders in a repository`,
          found: "more, or a listing without end",
          fix: "Name another repository; or check HF_ENDPOINT.",
        });
      }
      if (type !== "file") continue;
      const file = { path, size: lfs?.size ?? size, etag: lfs?.oid ?? oid ?? "" };
      if (!isSafePath(path) || !/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(file.etag)) {
        throw new HubContentFault({
          key: repo.id,
          wanted: "relative paths and their digests in the hub's listing",
          found: JSON.stringify({ path, oid: file.etag }),
          fix: "Don't use this repository; or check HF_ENDPOINT.",
        });
      }
      listing.set(path, file);
    }
  });
  return listing;
}
