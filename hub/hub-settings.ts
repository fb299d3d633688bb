// Where the hub is, where its cache is and who asks: the environment variables of Python's hub library,
// decoded once, so that both use the same folder and nothing is downloaded twice.
// The trap: `token` is kept out of sight (a getter that is not enumerable), so that a settings object
// may be logged; keep it so.
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { HubSettingsFault } from "./hub-fault.ts";

export interface HubSettings {
  /** Without a slash at the end. */
  readonly endpoint: string;
  /** The folder that holds `models--org--name`. */
  readonly cacheDir: string;
  readonly offline: boolean;
  /** False: files are moved into the snapshot instead of linked. */
  readonly symlinks: boolean;
  readonly token: string | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

const isTrue = (value: string | undefined): boolean =>
  ["1", "ON", "YES", "TRUE"].includes((value ?? "").toUpperCase());

/** `~`, `$NAME` and `${NAME}` as Python expands them in these variables. */
function expand(path: string, env: Environment): string {
  const home = path === "~" || path.startsWith("~/") ? homedir() + path.slice(1) : path;
  return home.replace(
    /\$(?:(\w+)|\{([^}]*)\})/g,
    (whole, plain, braced) => env[plain ?? braced] ?? whole,
  );
}

/** HF_HOME and what it defaults to. */
function hubHome(env: Environment): string {
  const cache = env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  return expand(env["HF_HOME"] ?? join(cache, "huggingface"), env);
}

/** HF_HUB_CACHE, else HUGGINGFACE_HUB_CACHE, else HF_HOME/hub, else the XDG cache folder's. */
export function cacheRoot(env: Environment = process.env): string {
  const named = env["HF_HUB_CACHE"] ?? env["HUGGINGFACE_HUB_CACHE"];
  return named === undefined ? join(hubHome(env), "hub") : expand(named, env);
}

function tokenOf(env: Environment): string | undefined {
  if (isTrue(env["HF_HUB_DISABLE_IMPLICIT_TOKEN"])) return undefined;
  const clean = (text: string | undefined) => text?.replace(/[\r\n]/g, "").trim() || undefined;
  const given = clean(env["HF_TOKEN"] || env["HUGGING_FACE_HUB_TOKEN"]);
  if (given !== undefined) return given;
  try {
    return clean(
      readFileSync(expand(env["HF_TOKEN_PATH"] ?? join(hubHome(env), "token"), env), "utf8"),
    );
  } catch {
    return undefined;
  }
}

function endpointOf(env: Environment): string {
  const named = env["HF_ENDPOINT"] || "https://huggingface.co";
  if (/^https?:/.test(named) && URL.canParse(named)) return named.replace(/\/+$/, "");
  throw new HubSettingsFault({
    key: "HF_ENDPOINT",
    wanted: "the address of a hub, such as https://huggingface.co",
    found: JSON.stringify(named),
    fix: "Correct the environment variable HF_ENDPOINT, or unset it.",
  });
}

/** Throws HubSettingsFault. */
export function hubSettings(env: Environment = process.env): HubSettings {
  const settings = {
    endpoint: endpointOf(env),
    cacheDir: cacheRoot(env),
    offline: isTrue(env["HF_HUB_OFFLINE"] || env["TRANSFORMERS_OFFLINE"]),
    symlinks: !isTrue(env["HF_HUB_DISABLE_SYMLINKS"]),
  };
  const token = tokenOf(env);
  return Object.defineProperty(settings, "token", { value: token, enumerable: false }) as
    & typeof settings
    & { readonly token: string | undefined };
}
