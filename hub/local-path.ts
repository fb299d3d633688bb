// Names that are paths on this disk, and what to say when they are not: the missing path and an id on
// the hub look alike (`sample_data/tiny-sdxl`), so the message for one has a word about the other.
import { readdir, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { reworded } from "../lib/fault.ts";
import { HubUnreachable, ModelNameFault, RepositoryNotFound } from "./hub-fault.ts";
import { type HubSettings, hubSettings } from "./hub-settings.ts";
import { nearestFew } from "../lib/nearest.ts";
import { isPathOnly, parseRepoName, type RepoName, type Repository } from "./repo-name.ts";

const expandHome = (name: string): string =>
  name === "~" || /^~[/\\]/.test(name) ? join(homedir(), name.slice(1)) : name;

/** The absolute path and its kind, if there is such a file or folder. */
export async function localPath(
  name: string,
): Promise<{ path: string; kind: "folder" | "single-file" } | undefined> {
  const path = resolve(expandHome(name));
  const found = await stat(path).catch(() => undefined);
  if (name === "" || found === undefined) return undefined;
  return { path, kind: found.isDirectory() ? "folder" : "single-file" };
}

/** Whether a name means a repository of the hub: it may, and nothing here is called so. */
export const namesRepository = async (
  name: string,
  type: Repository["type"],
): Promise<boolean> =>
  parseRepoName(name, type, hubSettings())?.type === type && await localPath(name) === undefined;

/** The repository that a name means which is no path here. Throws ModelNameFault. */
export async function repoNamed(
  name: string,
  type: Repository["type"],
  settings: HubSettings,
): Promise<RepoName> {
  const repo = parseRepoName(name, type, settings);
  if (repo?.type === type) return repo;
  const isAddress = /^https?:/.test(name);
  throw new ModelNameFault({
    wanted: `${type === "model" ? "a folder, a .safetensors file, or " : ""}the id of a ${type} ` +
      "on the hub (org/name)",
    found: isAddress
      ? `an address that is not a ${type}'s on ${new URL(settings.endpoint).host}`
      : isPathOnly(name)
      ? `${JSON.stringify(name)}, where there is nothing`
      : `${JSON.stringify(name)}, which is neither there nor an id`,
    fix: isAddress
      ? "Download it yourself and give its path."
      : /^[^/@]+\/[^/@]+@[^@]+$/.test(name)
      ? "A revision is not part of the name: a configuration has `hf_revision` for it."
      : await pathHint(name) || "Check the spelling and the working folder.",
  });
}

/** Names beside the first missing part of a path that look like it. */
async function pathHint(name: string): Promise<string> {
  let path = resolve(expandHome(name));
  while (dirname(path) !== path && await stat(dirname(path)).then(() => false, () => true)) {
    path = dirname(path);
  }
  const siblings = await readdir(dirname(path)).catch(() => []);
  const close = nearestFew(basename(path), siblings.sort());
  return close.length === 0 ? "" : `In ${dirname(path)} there is ${close.join(", ")}.`;
}

/**
 * What else a name may be that was taken for an id and is not on this machine: a path with a mistake in it, where
 * its first part is a folder here.
 */
export async function mistypedPath(name: string): Promise<{ readonly mistyped?: string }> {
  const [first, ...rest] = name.split("/");
  if (rest.length === 0 || (await localPath(first))?.kind !== "folder") return {};
  const missing = `an id of the hub; ${first} is a folder here too, without ${rest.join("/")}`;
  const hint = await pathHint(name);
  return { mistyped: hint === "" ? missing : `${missing}. ${hint.replace(/\.$/, "")}` };
}

/**
 * An id that the hub does not know, or that it cannot be asked about, may have been meant as a path. Other
 * errors stay as they are.
 */
export async function orMistypedPath(name: string, cause: unknown): Promise<unknown> {
  const isUnknown = cause instanceof RepositoryNotFound || cause instanceof HubUnreachable;
  if (!isUnknown || /^https?:/.test(name)) return cause;
  const { wanted, found, fix } = cause;
  return reworded(cause, {
    wanted: `${wanted}, or a file or folder ${resolve(name)}`,
    found: `no such path, and ${cause instanceof RepositoryNotFound ? "on the hub " : ""}${found}`,
    fix: `${await pathHint(name)} ${fix}`.trim(),
    cause,
  });
}
