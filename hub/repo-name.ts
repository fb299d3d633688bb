// What a user may write for a model: a path, `org/name`, `org/name/file.safetensors`, or the address of
// a repository or file on the hub. This file only reads the text; resolve-model.ts looks at the disk.
// The trap: `sample_data/tiny-sdxl` is a good id and a good path, so a path that exists comes first.
import type { HubSettings } from "./hub-settings.ts";

export interface Repository {
  readonly type: "model" | "dataset";
  /** `name` or `org/name`. */
  readonly id: string;
}

export interface RepoName extends Repository {
  readonly revision?: string;
  /** A path inside the repository. */
  readonly file?: string;
}

const part = "[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?";
const idPattern = new RegExp(`^(?:${part}/)?${part}$`);

/** Python's rules: letters, digits, `-_.`, at most 96, no `--` or `..`, no `.git` at the end. */
export const isRepoId = (text: string): boolean =>
  idPattern.test(text) && text.length <= 96 && !text.includes("--") && !text.includes("..") &&
  !text.endsWith(".git");

/** A path inside a repository that stays inside whatever folder it is put into, on any system. */
export function isSafePath(path: string): boolean {
  return path !== "" && !/[\\:\0]/.test(path) &&
    path.split("/").every((segment) => segment !== "" && segment !== "." && segment !== "..");
}

/** Starts like a path on this or another system, or is one that no id can be. */
export const isPathOnly = (text: string): boolean =>
  /^(?:[./~\\]|[A-Za-z]:[\\/])/.test(text) || text.includes("\\") || text.endsWith("/") ||
  /^[^/]+(?:\/[^/]+)?\.(?:safetensors|ckpt|bin|pth?)$/.test(text);

/** `undefined` when the text can't name anything on the hub. */
export function parseRepoName(
  text: string,
  type: Repository["type"],
  settings: HubSettings,
): RepoName | undefined {
  if (/^https?:\/\//.test(text)) return parseAddress(text, settings);
  if (isPathOnly(text)) return undefined;
  if (isRepoId(text)) return { type, id: text };
  const [org, name, ...rest] = text.split("/");
  const file = rest.join("/");
  return isRepoId(`${org}/${name}`) && isSafePath(file)
    ? { type, id: `${org}/${name}`, file }
    : undefined;
}

function parseAddress(text: string, settings: HubSettings): RepoName | undefined {
  const url = URL.parse(text);
  const hosts = ["huggingface.co", "hf.co", new URL(settings.endpoint).host];
  if (url === null || !hosts.includes(url.host)) return undefined;
  // A hub may live below a path of its server, as Artifactory's do.
  const home = new URL(settings.endpoint);
  const base = url.host === home.host ? home.pathname.replace(/\/*$/, "/") : "/";
  if (!url.pathname.startsWith(base)) return undefined;
  const segments = url.pathname.slice(base.length).split("/").filter((segment) => segment !== "")
    .map(decodeSegment);
  const type = segments[0] === "datasets" ? "dataset" : "model";
  if (type === "dataset") segments.shift();
  const verb = segments.findIndex((s) =>
    s === "resolve" || s === "blob" || s === "tree" || s === "raw"
  );
  const id = (verb === -1 ? segments : segments.slice(0, verb)).join("/");
  if (!isRepoId(id)) return undefined;
  if (verb === -1) return { type, id };
  const revision = segments[verb + 1];
  const file = segments.slice(verb + 2).join("/");
  if (file === "") return { type, id, ...(revision === undefined ? {} : { revision }) };
  return isSafePath(file) ? { type, id, revision, file } : undefined;
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
