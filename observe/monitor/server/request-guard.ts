// Who may ask the page's server for what. Any web page that the user visits can send requests to
// 127.0.0.1, also under a name of its own that resolves there, so each request is checked: its Host,
// its Origin, where the browser says it comes from, the cookie, and for actions a token header too.
// The trap: the checks hold for every route, event streams and pictures included.
import { randomBytes, timingSafeEqual } from "node:crypto";
import { hostname, networkInterfaces } from "node:os";
import type { IncomingHttpHeaders } from "node:http";

export interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
}

export type Verdict =
  | { readonly verdict: "pass"; readonly url: URL }
  /** The token was in the address: set the cookie and go to the address without it. */
  | { readonly verdict: "enter"; readonly cookie: string }
  | { readonly verdict: "refuse"; readonly status: 401 | 403 | 405; readonly why: string };

export interface RequestGuard {
  /** The address to open, with the token. */
  readonly address: string;
  /** What the page sends with actions, in `X-Gnomic-Token`. */
  readonly actionToken: string;
  check(asked: Asked): Verdict;
}

const newToken = () => randomBytes(24).toString("base64url");

const same = (a: string, b: string): boolean => {
  const [x, y] = [Buffer.from(a), Buffer.from(b)];
  return x.length === y.length && timingSafeEqual(x, y);
};

const bracketed = (host: string) => host.includes(":") ? `[${host}]` : host;

/** As addresses and origins say it: port 80 goes without saying. */
const withoutStandardPort = (host: string) => host.toLowerCase().replace(/:80$/, "");

/** The names under which a server that listens on `host` may be called. */
function hostNames(host: string): readonly string[] {
  const local = ["127.0.0.1", "localhost", "[::1]"];
  if (local.includes(bracketed(host))) return local;
  const everywhere = host === "0.0.0.0" || host === "::";
  const others = everywhere
    ? [
      hostname(),
      ...Object.values(networkInterfaces()).flatMap((each) => each ?? [])
        .map(({ address }) => bracketed(address)),
    ]
    : [bracketed(host)];
  return [...local, ...others].map((name) => name.toLowerCase());
}

const cookieOf = (header: string | undefined, name: string): string | undefined =>
  header?.split(";").map((part) => part.trim().split("="))
    .find(([key]) => key === name)?.[1];

const refuse = (status: 401 | 403 | 405, why: string): Verdict => ({
  verdict: "refuse",
  status,
  why,
});

/** The gate of a server that listens on `host` and `port`; each has its own secrets. */
export function newGate(host: string, port: number): RequestGuard {
  const token = newToken();
  const actionToken = newToken();
  const hosts = new Set(hostNames(host).map((name) => withoutStandardPort(`${name}:${port}`)));
  const cookieName = `gnomic_${port}`;
  const shown = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : bracketed(host);

  const check = ({ method, url, headers }: Asked): Verdict => {
    if (!["GET", "HEAD", "POST"].includes(method)) return refuse(405, "method not allowed");
    const { origin } = headers;
    const host = withoutStandardPort(headers.host ?? "");
    if (!hosts.has(host)) return refuse(403, "foreign host");
    if (origin !== undefined && origin !== `http://${host}`) return refuse(403, "foreign origin");
    if (!URL.canParse(url, `http://${host}`)) return refuse(403, "malformed address");
    const address = new URL(url, `http://${host}`);
    if (address.host !== host) return refuse(403, "foreign host");

    const site = headers["sec-fetch-site"];
    const opensPage = address.pathname === "/" && headers["sec-fetch-mode"] === "navigate";
    if (site !== undefined && site !== "same-origin" && site !== "none" && !opensPage) {
      return refuse(403, "asked by another site");
    }

    const given = address.searchParams.get("token");
    if (given !== null && address.pathname === "/" && method === "GET" && same(given, token)) {
      const cookie = `${cookieName}=${token}; HttpOnly; SameSite=Strict; Path=/`;
      return { verdict: "enter", cookie };
    }
    if (!same(cookieOf(headers.cookie, cookieName) ?? "", token)) {
      return refuse(401, "open the address that the terminal shows: it holds the key to this page");
    }
    if (method === "POST") {
      if (headers["content-type"] !== "application/json") return refuse(403, "not JSON");
      if (origin === undefined) return refuse(403, "no origin");
      if (!same(String(headers["x-gnomic-token"] ?? ""), actionToken)) {
        return refuse(403, "no token");
      }
    }
    return { verdict: "pass", url: address };
  };

  return { address: `http://${shown}:${port}/?token=${token}`, actionToken, check };
}

/** Headers of every answer: nothing from elsewhere, nobody frames the page, no address leaks. */
export const safeHeaders = {
  "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'none'; " +
    "frame-ancestors 'none'",
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Cache-Control": "no-store",
} as const;
