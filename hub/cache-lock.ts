// Keeps two processes from downloading the same blob at once: a file that says who holds it and is
// touched while held; a lock whose owner is dead, or that was not touched for a minute, is taken over.
// The trap: it only saves bandwidth. Blobs are checked and placed by rename, so a lock that a file
// system gets wrong costs a second download, never a wrong file; Python's own locks (flock) are not seen.
import { open, readFile, rename, rm, stat, utimes } from "node:fs/promises";
import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { dirname } from "node:path";
import process from "node:process";
import { makeFolders } from "../lib/make-folders.ts";
import type { Hub } from "./hub-client.ts";

const staleMilliseconds = 60_000;
const touchMilliseconds = 10_000;
const pollMilliseconds = 300;

/** Runs `work` while holding the lock, once nobody else does. Rejects when the lock can't be made. */
export async function whileLocked<A>(hub: Hub, path: string, work: () => Promise<A>): Promise<A> {
  await makeFolders(dirname(path));
  const mine = JSON.stringify({ pid: process.pid, host: hostname(), id: randomUUID() });
  while (!await take(path, mine)) {
    if (!await removeIfStale(path)) await hub.tools.sleep(pollMilliseconds, hub.signal);
  }
  const touching = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => {});
  }, touchMilliseconds);
  try {
    return await work();
  } finally {
    clearInterval(touching);
    if (await readFile(path, "utf8").catch(() => "") === mine) await rm(path, { force: true });
  }
}

async function take(path: string, content: string): Promise<boolean> {
  const handle = await open(path, "wx").catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "EEXIST") return undefined;
    throw cause;
  });
  if (handle === undefined) return false;
  try {
    await handle.writeFile(content);
  } finally {
    await handle.close();
  }
  return true;
}

async function removeIfStale(path: string): Promise<boolean> {
  const content = await readFile(path, "utf8").catch(() => undefined);
  if (content === undefined) return true;
  const age = Date.now() - await stat(path).then(({ mtimeMs }) => mtimeMs, () => 0);
  if (age < staleMilliseconds && !ownerIsDead(content)) return false;
  // Whoever renames it first has it; a lock renamed by mistake, made anew meanwhile, goes back.
  const aside = `${path}.${randomUUID()}.tmp`;
  if (!await rename(path, aside).then(() => true, () => false)) return true;
  const taken = await readFile(aside, "utf8").catch(() => "");
  await (taken === content ? rm(aside, { force: true }) : rename(aside, path));
  return true;
}

function ownerIsDead(content: string): boolean {
  try {
    const { pid, host } = JSON.parse(content);
    if (host !== hostname() || !Number.isInteger(pid)) return false;
    process.kill(pid, 0);
    return false;
  } catch (cause) {
    return cause instanceof Error && "code" in cause && cause.code === "ESRCH";
  }
}
