// `fetch` by the proxies that HTTP_PROXY, HTTPS_PROXY and NO_PROXY name. Deno's own goes by them; Node's does
// not, so there undici's takes its place, where one is set for the address.
// The trap: undici takes HTTP_PROXY for https too where there is no HTTPS_PROXY, which neither Deno nor curl does.
import process from "node:process";

/** An empty variable is none; small letters go first, as in curl. */
const variable = (name: string): string | undefined =>
  process.env[name.toLowerCase()] || process.env[name] || undefined;

const isNeeded = (url: string): boolean =>
  !("Deno" in globalThis) &&
  variable(url.startsWith("https:") ? "HTTPS_PROXY" : "HTTP_PROXY") !== undefined;

let proxied: Promise<typeof fetch> | undefined;

const makeProxied = async (): Promise<typeof fetch> => {
  const { EnvHttpProxyAgent, fetch: send } = await import("undici");
  const dispatcher = new EnvHttpProxyAgent({
    httpProxy: variable("HTTP_PROXY") ?? "",
    httpsProxy: variable("HTTPS_PROXY") ?? "",
    noProxy: variable("NO_PROXY") ?? "",
  });
  return ((input: string, init: object) =>
    send(input, { ...init, dispatcher })) as unknown as typeof fetch;
};

export const proxiedFetch: typeof fetch = async (input, init) =>
  isNeeded(input instanceof Request ? input.url : String(input))
    ? await (await (proxied ??= makeProxied()))(input, init)
    : await fetch(input, init);
