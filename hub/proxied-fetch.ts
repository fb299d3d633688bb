// `fetch` by the proxies that HTTP_PROXY, HTTPS_PROXY and NO_PROXY name. Deno's own goes by them; Node's does
// not, so there undici's takes its place, where one of them is set.
// The trap: the variables are read at the first request; which proxy an address takes is undici's to know.
import process from "node:process";

/** An empty variable is none; small letters go first, as in curl. */
const variable = (name: string): string | undefined =>
  process.env[name.toLowerCase()] || process.env[name] || undefined;

const proxies = () => ({ httpProxy: variable("HTTP_PROXY"), httpsProxy: variable("HTTPS_PROXY") });

const isNeeded = (): boolean =>
  !("Deno" in globalThis) && Object.values(proxies()).some((proxy) => proxy !== undefined);

let proxied: Promise<typeof fetch> | undefined;

const makeProxied = async (): Promise<typeof fetch> => {
  const { EnvHttpProxyAgent, fetch: send } = await import("undici");
  const { httpProxy = "", httpsProxy = httpProxy } = proxies();
  const dispatcher = new EnvHttpProxyAgent({
    httpProxy,
    httpsProxy,
    noProxy: variable("NO_PROXY") ?? "",
  });
  return ((input: string, init: object) =>
    send(input, { ...init, dispatcher })) as unknown as typeof fetch;
};

export const proxiedFetch: typeof fetch = async (input, init) =>
  isNeeded() ? await (await (proxied ??= makeProxied()))(input, init) : await fetch(input, init);
