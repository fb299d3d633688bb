// Requests to the hub: redirects followed by hand, the token sent to the hub's own origin only, answers
// that say "no" turned into faults, everything that may pass tried again with growing pauses.
// The trap: fetch would follow redirects itself, but then loops look like a network error and the file
// servers that a hub redirects to are out of our sight; so `redirect: "manual"` stays.
import { setTimeout as pause } from "node:timers/promises";
import { isFault } from "../lib/fault.ts";
import { type CacheDisk, nodeDisk } from "./cache-disk.ts";
import { HubContentFault, HubUnreachable, plainAddress } from "./hub-fault.ts";
import { type About, refusal } from "./hub-refusal.ts";
import type { HubSettings } from "./hub-settings.ts";
import { proxiedFetch } from "./proxied-fetch.ts";

/** What tests replace: the network, the clock and the disk. */
export interface HubTools {
  readonly fetch: typeof fetch;
  readonly sleep: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
  /** Milliseconds, for speed and for waiting. */
  readonly now: () => number;
  readonly disk: CacheDisk;
  /** A connection that brings nothing for so long counts as cut. */
  readonly idleMilliseconds: number;
}

export const hubTools: HubTools = {
  fetch: proxiedFetch,
  sleep: (milliseconds, signal) => pause(milliseconds, undefined, { signal }),
  now: () => performance.now(),
  disk: nodeDisk,
  idleMilliseconds: 30_000,
};

/** Everything a hub operation carries with it. */
export interface Hub {
  readonly settings: HubSettings;
  readonly tools: HubTools;
  readonly signal?: AbortSignal;
  /** Told each second of a pause: a minute without a word looks like the end. */
  readonly onWait?: Waiting | undefined;
}

/** So many seconds of a pause are over, and what it is for. */
export type Waiting = (waited: number, seconds: number, why: string) => void;

/** Its unit, where it is told as progress: "12 of 55 s of a pause: 429 ...". */
export const pauseUnit = (why: string): string => `s of a pause: ${why}`;

const attempts = 5;
const longestWait = 300_000;

/** A connection that failed or ended; `milliseconds` as long as the server asked to wait. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
  readonly milliseconds: number;
  /** What may help, where more is known than that the connection is bad. */
  readonly advice: string | undefined;
  constructor(
    message: string,
    options: { milliseconds?: number; advice?: string; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.milliseconds = options.milliseconds ?? 0;
    this.advice = options.advice;
  }
}

/**
 * Runs `attempt` until it succeeds or stops progressing: an `Interrupted` is tried again after 1, 2,
 * 4, 8 s (or as long as the server asks to wait, up to 5 min); `progressed` starts the count anew.
 */
export async function withRetries<A>(
  hub: Hub,
  what: string,
  attempt: (progressed: () => void) => Promise<A>,
): Promise<A> {
  for (let failures = 0;;) {
    try {
      return await attempt(() => failures = 0);
    } catch (cause) {
      hub.signal?.throwIfAborted();
      if (!(cause instanceof Interrupted)) throw cause;
      failures++;
      if (failures >= attempts || cause.milliseconds > longestWait) {
        throw new HubUnreachable({
          wanted: what,
          found: cause.milliseconds > longestWait
            ? `${cause.message}, which asks for ${
              Math.ceil(cause.milliseconds / 1000)
            } s of patience`
            : `${cause.message}, ${failures} times in a row`,
          fix: `${cause.advice ?? "Check the connection (a proxy? HF_ENDPOINT?)"} and run again: ` +
            "what has come is kept. HF_HUB_OFFLINE=1 uses the cache alone.",
          cause: cause.cause,
        });
      }
      await pauseFor(hub, Math.max(cause.milliseconds, 1000 * 2 ** (failures - 1)), cause.message);
    }
  }
}

async function pauseFor({ tools, signal, onWait }: Hub, milliseconds: number, why: string) {
  let waited = 0;
  const tell = () => onWait?.(waited++, Math.ceil(milliseconds / 1000), why);
  tell();
  const telling = setInterval(tell, 1000);
  try {
    await tools.sleep(milliseconds, signal);
  } finally {
    clearInterval(telling);
  }
}

/**
 * One request, redirects followed. Resolves with 2xx, or 416; throws `Interrupted` for what may pass
 * (no connection, 408, 429, 5xx) and a fault for what will not. The body is the caller's to read.
 */
export async function request(hub: Hub, address: string, about: About, init: RequestInit = {}) {
  const { settings, tools, signal } = hub;
  const home = new URL(settings.endpoint).origin;
  const seen = new Set<string>();
  for (let url = new URL(address);;) {
    if (seen.has(url.href) || seen.size >= 10) {
      throw new HubUnreachable({
        wanted: `an answer from ${plainAddress(address)}`,
        found: `redirects in a circle (${seen.size} of them, the last to ${plainAddress(url)})`,
        fix: "Check HF_ENDPOINT and any proxy; the hub itself does not do this.",
      });
    }
    seen.add(url.href);
    const headers = new Headers(init.headers);
    headers.set("User-Agent", "gnomic");
    headers.delete("Authorization");
    if (settings.token !== undefined && url.origin === home) {
      headers.set("Authorization", `Bearer ${settings.token}`);
    }
    const response = await tools.fetch(url, {
      signal: signal ?? null,
      ...init,
      headers,
      redirect: "manual",
    }).catch((cause) => {
      signal?.throwIfAborted();
      const reason = rootCause(cause);
      if (isUntrusted(reason)) throw untrusted(url, reason, cause);
      throw new Interrupted(`no connection to ${url.host} (${reason})`, { cause });
    });
    const location = response.headers.get("Location");
    if (response.status >= 300 && response.status < 400 && location !== null) {
      await response.body?.cancel();
      url = redirected(url, location);
      continue;
    }
    if (response.ok || response.status === 416) return response;
    await response.body?.cancel();
    const { status } = response;
    if (status !== 408 && status !== 429 && status < 500) {
      throw refusal(settings, response, url, about);
    }
    if (status === 429) throw limited(settings, response.headers, url);
    const milliseconds = retryAfter(response.headers.get("Retry-After"));
    throw new Interrupted(`${status} from ${url.host}`, { milliseconds });
  }
}

/** To http or https, and never from https to http: what is asked for may be a secret, what comes a program. */
function redirected(from: URL, location: string): URL {
  const to = URL.parse(location, from);
  const isAllowed = to?.protocol === "https:" ||
    to?.protocol === "http:" && from.protocol === "http:";
  if (to !== null && isAllowed) return to;
  throw new HubUnreachable({
    wanted: `a redirect of ${plainAddress(from)} to an address as safe as that`,
    found: to === null ? "one that is no address" : `one to ${to.protocol}`,
    fix: "Check HF_ENDPOINT and any proxy; the hub itself does not do this.",
  });
}

/** Too many requests: how long the hub wants to be left alone, and which limit of its that is. */
function limited({ token }: HubSettings, headers: Headers, url: URL): Interrupted {
  const limit = headers.get("RateLimit") ?? "";
  const policy = /"([^"]{1,40})";q=(\d{1,9});w=(\d{1,9})/.exec(
    headers.get("RateLimit-Policy") ?? "",
  );
  const seconds = Number(/;\s*t=(\d{1,9})/.exec(limit)?.[1] ?? 0);
  const milliseconds = Math.max(1000 * seconds, retryAfter(headers.get("Retry-After")));
  const named = policy === null
    ? ""
    : `: its limit ${JSON.stringify(policy[1])} is ${policy[2]} requests in ${policy[3]} s` +
      (token === undefined ? ", and higher with HF_TOKEN" : "");
  return new Interrupted(`429 (too many requests) from ${url.host}${named}`, {
    milliseconds,
    advice: token === undefined
      ? `Set HF_TOKEN, with which the limit is higher, or wait ${Math.ceil(milliseconds / 1000)} s,`
      : `Wait ${Math.ceil(milliseconds / 1000)} s`,
  });
}

/** Deno's words, then the codes of Node. */
const isUntrusted = (reason: string): boolean =>
  /peer certificate|SELF_SIGNED_CERT|UNABLE_TO_(?:VERIFY|GET_ISSUER)|^CERT_|ERR_TLS_CERT/.test(
    reason,
  );

const untrusted = (url: URL, reason: string, cause: unknown) =>
  new HubUnreachable({
    wanted: `a certificate of ${url.host} that this machine trusts`,
    found: reason,
    fix:
      "If your network puts its own certificate in between, give its file (PEM) in DENO_CERT under " +
      "Deno, or in NODE_EXTRA_CA_CERTS under Node; otherwise check HF_ENDPOINT.",
    cause,
  });

/** Without the address that Deno puts before the reason: its query may be a signature. */
function rootCause(cause: unknown): string {
  let deepest = cause;
  while (deepest instanceof Error && deepest.cause instanceof Error) deepest = deepest.cause;
  if (!(deepest instanceof Error)) return String(deepest);
  return "code" in deepest
    ? String(deepest.code)
    : deepest.message.replace(/^error sending request for url \(\S*\): /, "");
}

/** Retry-After is seconds or a date. */
function retryAfter(text: string | null): number {
  if (text === null) return 0;
  const seconds = Number(text);
  const wait = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(text) - Date.now();
  return Number.isFinite(wait) ? Math.max(0, wait) : 0;
}

/**
 * A `fetch` for @huggingface/hub's metadata calls: it gets whole answers or faults of this file, and
 * the token never passes through it (its own check wants a prefix that other hubs don't use).
 */
export const metadataFetch = (hub: Hub, about: About): typeof fetch => (input, init) => {
  const address = input instanceof Request ? input.url : String(input);
  const { headers, method, body } = init ?? {};
  return withRetries(hub, `an answer from ${plainAddress(address)}`, async () => {
    const timeout = AbortSignal.timeout(hub.tools.idleMilliseconds);
    const signal = hub.signal === undefined ? timeout : AbortSignal.any([timeout, hub.signal]);
    const response = await request(hub, address, about, { headers, method, body, signal });
    const text = await textOf(response, address);
    return new Response(text, { status: response.status, headers: response.headers });
  });
};

/** The largest answer about a repository: a page of its files has about a megabyte. */
const mostBytes = 32 << 20;

/** What came, unpacked; a few bytes may unfold into gigabytes. */
async function textOf(response: Response, address: string): Promise<string> {
  const decoder = new TextDecoder();
  let [text, bytes] = ["", 0];
  try {
    for await (const chunk of response.body ?? []) {
      bytes += chunk.length;
      if (bytes > mostBytes) {
        throw new HubContentFault({
          wanted: `an answer of at most ${mostBytes >> 20} MiB from ${plainAddress(address)}`,
          found: "more",
          fix: "Check HF_ENDPOINT and any proxy; the hub itself does not do this.",
        });
      }
      text += decoder.decode(chunk, { stream: true });
    }
    return text + decoder.decode();
  } catch (cause) {
    if (isFault(cause)) throw cause;
    throw new Interrupted(`an answer cut short (${rootCause(cause)})`, { cause });
  }
}

/** Runs a metadata call; an answer that is not a hub's becomes a fault. */
export async function ask<A>(hub: Hub, call: () => Promise<A>): Promise<A> {
  try {
    return await call();
  } catch (cause) {
    hub.signal?.throwIfAborted();
    if (isFault(cause)) throw cause;
    throw new HubUnreachable({
      wanted: `a Hugging Face hub at ${plainAddress(hub.settings.endpoint)}`,
      found: `an answer of another kind (${cause instanceof Error ? cause.message : cause})`,
      fix: "Check HF_ENDPOINT, and that no proxy or login page answers in its place.",
      cause,
    });
  }
}
