// The errors of hub, by what the caller can do about them. No message holds a token, and none
// holds the query of an address: the ones a hub redirects to are signed, which makes them keys.
// The trap: huggingface.co answers 401, not 404, for a repository that does not exist, unless one is
// logged in; so "not found" and "not allowed" cannot always be told apart, and the texts say both.
import { isFull, isRefused } from "../lib/disk-fault.ts";
import { fault } from "../lib/fault.ts";

/** An environment variable of the hub's that cannot be meant. */
export class HubSettingsFault extends fault("HubSettingsFault", "user") {}
/** A name that is neither a file, a folder, nor the id of a repository. */
export class ModelNameFault extends fault("ModelNameFault", "user") {}
/** No such repository (or a private one). */
export class RepositoryNotFound extends fault("RepositoryNotFound", "user") {}
/** The repository has no such branch, tag or commit. */
export class RevisionNotFound extends fault("RevisionNotFound", "user") {}
/** The repository has no such file at this commit. */
export class HubFileNotFound extends fault("HubFileNotFound", "user") {}
/** Gated or private, and no token, or one without the right. */
export class HubAccessFault extends fault("HubAccessFault", "user") {}
/** Offline by choice, and not in the cache. */
export class NotInCache extends fault("NotInCache", "user") {}
/** The repository is there but is not something that gnomic can use. */
export class HubContentFault extends fault("HubContentFault", "user") {}
/** The network, or the hub, did not answer as it should; trying again later may help. */
export class HubUnreachable extends fault("HubUnreachable", "world", true) {}
/** The bytes that came are not the ones the hub promised. */
export class DigestFault extends fault("DigestFault", "world", true) {}
/** The cache folder cannot be written: full, read-only, not ours. */
export class CacheStorageFault extends fault("CacheStorageFault", "world") {}

/** An address without its query, which may be a signature. */
export function plainAddress(url: string | URL): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}

/** What a failed write to the cache means. Errors without a code are not the disk's and pass through. */
export function cacheFault(file: string, cause: unknown): unknown {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  if (typeof code !== "string") return cause;
  const wanted = "to write into the cache folder";
  if (isFull(code)) {
    return new CacheStorageFault({
      file,
      wanted,
      found: "no space left on its disk",
      fix:
        "Free some space, or put the cache elsewhere with HF_HUB_CACHE; what has come is kept, " +
        "so the next run goes on from there.",
      cause,
    });
  }
  if (isRefused(code)) {
    return new CacheStorageFault({
      file,
      wanted,
      found: code === "EROFS" ? "a read-only file system" : "no right to write there",
      fix: "Set HF_HUB_CACHE to a folder you may write to, or download with an account that " +
        "may.",
      cause,
    });
  }
  return new CacheStorageFault({
    file,
    wanted,
    found: `${code} (${cause instanceof Error ? cause.message : ""})`,
    fix: "Check that HF_HUB_CACHE (or HF_HOME) is a folder on a healthy disk.",
    cause,
  });
}
