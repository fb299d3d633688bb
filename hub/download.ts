// Brings one file of a repository into `blobs/<etag>`: goes on where an earlier attempt ended, checks
// size and digest, and only then gives the file its name. A blob that exists is whole and right.
// The trap: every attempt starts from the hub's own address again, because the addresses it redirects to
// are signed and expire.
import { dirname } from "node:path";
import { isFault } from "../lib/fault.ts";
import { blobPath, lockPath, sizeOf } from "./cache-folder.ts";
import { whileLocked } from "./cache-lock.ts";
import { type CheckedCopy, openCheckedCopy, type RepoFile } from "./checked-copy.ts";
import { type Hub, Interrupted, request, withRetries } from "./hub-client.ts";
import { cacheFault, DigestFault } from "./hub-fault.ts";
import type { Repository } from "./repo-name.ts";

/** Which file of which commit. */
export interface Wanted {
  readonly repo: Repository;
  readonly commit: string;
  readonly file: RepoFile;
}

/** Bytes as they become known: `skip` for those that did not come over the network now. */
export interface ByteProgress {
  readonly skip: (bytes: number) => void;
  readonly arrived: (bytes: number) => void;
}

/** The address that gives a file's bytes, or redirects to them. */
function fileAddress({ settings }: Hub, { repo, commit, file }: Wanted): string {
  const path = file.path.split("/").map(encodeURIComponent).join("/");
  const prefix = repo.type === "dataset" ? "datasets/" : "";
  return `${settings.endpoint}/${prefix}${repo.id}/resolve/${commit}/${path}`;
}

/**
 * Resolves with `true` if the blob was made now, `false` if it was there. Throws HubUnreachable,
 * DigestFault, CacheStorageFault and what the hub refuses with (hub-fault.ts).
 */
export async function downloadBlob(hub: Hub, wanted: Wanted, told: ByteProgress): Promise<boolean> {
  const { settings, tools: { disk } } = hub;
  const { repo, file } = wanted;
  const blob = blobPath(settings, repo, file.etag);
  const partial = `${blob}.gnomic.incomplete`;
  const isThere = async (): Promise<boolean> => {
    const there = await sizeOf(blob) === file.size;
    if (there) told.skip(file.size);
    return there;
  };
  if (await isThere()) return false;
  try {
    await disk.makeFolder(dirname(blob));
    return await whileLocked(hub, lockPath(settings, repo, file.etag), async () => {
      if (await isThere()) return false;
      await fill(hub, wanted, partial, told);
      await disk.rename(partial, blob);
      return true;
    });
  } catch (cause) {
    if (cause instanceof DigestFault) await disk.remove(partial);
    throw isFault(cause) ? cause : cacheFault(blob, cause);
  }
}

/** Brings `partial` to the whole file, in as many attempts as it takes while it grows. */
async function fill(hub: Hub, wanted: Wanted, partial: string, told: ByteProgress): Promise<void> {
  const { repo, file } = wanted;
  const name = `${file.path} of ${repo.id}`;
  let counted = 0;
  let furthest = 0;
  await withRetries(hub, name, async (progressed) => {
    const copy = await openCheckedCopy(hub.tools.disk, partial, file);
    const moved = (tell: (bytes: number) => void): void => {
      tell(copy.size() - counted);
      counted = copy.size();
      if (counted <= furthest) return;
      furthest = counted;
      progressed();
    };
    try {
      moved(told.skip);
      if (copy.size() < file.size) {
        await receive(
          hub,
          wanted,
          copy,
          () => moved(copy.size() < counted ? told.skip : told.arrived),
        );
      }
      if (copy.digest() !== file.etag) await refuse(copy, file, name, partial);
      await copy.sync();
    } finally {
      await copy.close();
    }
  });
}

async function refuse(copy: CheckedCopy, file: RepoFile, name: string, partial: string) {
  const [found, resumed] = [copy.digest(), copy.resumed()];
  await copy.restart();
  if (resumed) throw new Interrupted("bytes that do not fit those of an earlier attempt");
  throw new DigestFault({
    file: partial,
    wanted: `${name} with the digest ${file.etag}`,
    found: `${found}, so it was thrown away`,
    fix: "Run again; if it stays wrong, a proxy or mirror (HF_ENDPOINT) changes the file.",
  });
}

/** One answer of the server into `copy`. */
async function receive(hub: Hub, wanted: Wanted, copy: CheckedCopy, moved: () => void) {
  const { repo, commit, file } = wanted;
  const idle = new AbortController();
  const signal = hub.signal === undefined
    ? idle.signal
    : AbortSignal.any([idle.signal, hub.signal]);
  const watch = () => setTimeout(() => idle.abort(), hub.tools.idleMilliseconds);
  let timer = watch();
  const cut = (cause?: unknown): never => {
    hub.signal?.throwIfAborted();
    const why = idle.signal.aborted ? "nothing more came" : "the connection was cut";
    throw new Interrupted(`${why} after ${copy.size()} of ${copy.whole} bytes`, { cause });
  };
  try {
    const headers: Record<string, string> = { "Accept-Encoding": "identity" };
    if (copy.size() > 0) headers["Range"] = `bytes=${copy.size()}-`;
    const about = { repo, revision: commit, path: file.path };
    const response = await request(hub, fileAddress(hub, wanted), about, { headers, signal });
    const start = response.status === 206
      ? Number(/^bytes (\d+)-/.exec(response.headers.get("Content-Range") ?? "")?.[1])
      : 0;
    if (start !== copy.size()) await copy.restart();
    if (start !== copy.size() || response.status === 416) {
      await response.body?.cancel();
      throw new Interrupted(`${response.status} with another range than the one asked for`);
    }
    const reader = (response.body ?? new Blob().stream()).getReader();
    for (;;) {
      const { done, value } = await reader.read().catch(cut);
      if (done) break;
      clearTimeout(timer);
      timer = watch();
      if (copy.size() + value.length > copy.whole) {
        await reader.cancel();
        await copy.restart();
        throw new Interrupted(`more than the ${copy.whole} bytes promised`);
      }
      await copy.append(value);
      moved();
    }
    if (copy.size() < copy.whole) cut();
  } finally {
    clearTimeout(timer);
    idle.abort();
  }
}
