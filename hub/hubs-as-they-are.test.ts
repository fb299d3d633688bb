// Hubs as they are: limits on requests, proxies, mirrors of other makers, certificates of a company, and
// servers that answer to do harm. Each against a server on this machine.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { startChild } from "../runtime/testing/child.ts";
import { type Hub, hubTools, type Waiting } from "./hub-client.ts";
import { HubContentFault, type HubUnreachable } from "./hub-fault.ts";
import { currentCommit, listRepository } from "./hub-listing.ts";
import { hubSettings } from "./hub-settings.ts";
import { fixture, id } from "./testing/hub-fixture.ts";

const repo = { type: "model", id } as const;
const commit = "a".repeat(40);

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

async function serving<A>(answer: Answer, run: (address: string) => Promise<A>): Promise<A> {
  const server = createServer(answer).listen(0, "127.0.0.1");
  await new Promise((done) => server.once("listening", done));
  try {
    return await run(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** Sends a request on to `to`, as a mirror or a proxy does. */
const forward = (
  to: string,
  path: string,
  { method, headers }: IncomingMessage,
  out: ServerResponse,
) => {
  const { hostname, port, host } = new URL(to);
  request({ hostname, port, path, method, headers: { ...headers, host } }, (answer) => {
    out.writeHead(answer.statusCode!, answer.headers);
    answer.pipe(out);
  }).on("error", () => out.destroy()).end();
};

const hubAt = (endpoint: string, slept: number[] = [], token?: string): Hub => ({
  settings: hubSettings({ HF_ENDPOINT: endpoint, HF_HOME: "/nowhere", HF_TOKEN: token }),
  tools: {
    ...hubTools,
    sleep: (milliseconds) => Promise.resolve(void slept.push(milliseconds)),
  },
});

const limited = {
  ratelimit: '"api";r=0;t=55',
  "ratelimit-policy": '"fixed window";"api";q=500;w=300',
};

test("a limit on requests is waited for as long as the hub says, and that is told", () =>
  fixture(async ({ server }) => {
    server.injectedFailures.set("api", [{ status: 429, headers: limited }]);
    const slept: number[] = [];
    const said: unknown[] = [];
    const onWait: Waiting = (...each) => said.push(each);
    assert.equal(
      await currentCommit({ ...hubAt(server.endpoint, slept), onWait }, repo, "main"),
      server.commitOf(id),
    );
    assert.deepEqual(slept, [55_000]);
    const [[waited, seconds, why]] = said as Parameters<Waiting>[];
    assert.deepEqual([waited, seconds], [0, 55]);
    assert.match(why, /429 .*its limit "api" is 500 requests in 300 s, and higher with HF_TOKEN/);
  }));

test("a limit that does not end names itself and the token that raises it", () =>
  serving(
    (_, response) => response.writeHead(429, limited).end("{}"),
    async (address) => {
      const text = (fault: HubUnreachable) => fault.message;
      const said = await currentCommit(hubAt(address), repo, "main").catch(text);
      assert.match(said, /429.*its limit "api" is 500 requests in 300 s/);
      assert.match(said, /Set HF_TOKEN/);
      const known = await currentCommit(hubAt(address, [], "hf_x"), repo, "main").catch(text);
      assert.match(known, /Wait 55 s/);
      assert.doesNotMatch(known, /HF_TOKEN/);
    },
  ));

test("a mirror that does not know `expand`, below a path of its server", () =>
  fixture(async ({ server, resolve, settings: { cacheDir } }) => {
    const base = "/artifactory/api/huggingfaceml/remote";
    const answer: Answer = (incoming, response) => {
      const { url = "" } = incoming;
      if (!url.startsWith(base) || /[?&]expand=(?!false|true)/.test(url)) {
        return void response.writeHead(404).end('{"errors":[{"status":404}]}');
      }
      forward(server.endpoint, url.slice(base.length), incoming, response);
    };
    await serving(answer, async (address) => {
      const hub = hubAt(`${address}${base}`);
      assert.equal(await currentCommit(hub, repo, "main"), server.commitOf(id));
      for (const name of [id, `${address}${base}/${id}`, `${address}${base}/${id}/tree/main`]) {
        const { path } = await resolve(name, { settings: { ...hub.settings, cacheDir } });
        assert.match(path, new RegExp(`models--org--sdxl.*${server.commitOf(id)}`));
      }
    });
  }));

test("redirects lead to http and https only, and never out of https", async () => {
  const cases: readonly (readonly [string, string, boolean])[] = [
    ["https://hub.test", "file:///etc/passwd", false],
    ["https://hub.test", "data:text/plain,{}", false],
    ["https://hub.test", "http://hub.test/x", false],
    ["https://hub.test", "http://[", false],
    ["http://hub.test", "http://other.test/x", true],
    ["http://hub.test", "https://other.test/x", true],
    ["https://hub.test", "https://other.test/x", true],
  ];
  for (const [from, to, isFollowed] of cases) {
    const asked: string[] = [];
    const hub = hubAt(from);
    const fetch = (input: URL) => {
      asked.push(input.href);
      return Promise.resolve(
        asked.length === 1
          ? new Response(null, { status: 302, headers: { Location: to } })
          : Response.json({ sha: commit }),
      );
    };
    const found = await currentCommit(
      { ...hub, tools: { ...hub.tools, fetch: fetch as typeof globalThis.fetch } },
      repo,
      "main",
    ).catch((fault: HubUnreachable) => fault.message);
    assert.equal(asked.length, isFollowed ? 2 : 1, `${from} ${to}`);
    assert.match(found, isFollowed ? /^a{40}$/ : /wanted a redirect of .* as safe as that/);
  }
});

test(
  "an answer without end, a packed one, and a listing without end are cut",
  { timeout: 120_000 },
  async () => {
    const bomb = gzipSync(Buffer.alloc(200 << 20, " "));
    const page = JSON.stringify(
      Array.from({ length: 1000 }, (_, i) => ({
        type: "directory",
        path: `d${i}`,
        oid: "0".repeat(40),
        size: 0,
      })),
    );
    const answer: Answer = ({ url = "" }, response) => {
      if (url.includes("packed")) {
        return response.writeHead(200, { "content-encoding": "gzip" })
          .end(bomb);
      }
      if (url.includes("/tree/")) {
        const self = `http://${response.req.headers.host}${
          url.split("?")[0]
        }?cursor=${Math.random()}`;
        return response.writeHead(200, { link: `<${self}>; rel="next"` }).end(page);
      }
      const chunk = Buffer.alloc(1 << 20, " ");
      const more = (): void => {
        while (!response.destroyed) {
          if (!response.write(chunk)) {
            return void response.once("drain", more);
          }
        }
      };
      more();
    };
    await serving(answer, async (address) => {
      const tooMuch = (fault: HubContentFault) =>
        fault instanceof HubContentFault && /at most 32 MiB/.test(fault.message);
      await assert.rejects(currentCommit(hubAt(address), repo, "main"), tooMuch);
      await assert.rejects(
        currentCommit(hubAt(address), { ...repo, id: "org/packed" }, "main"),
        tooMuch,
      );
      await assert.rejects(listRepository(hubAt(address), repo, commit), /at most 100000 files/);
    });
  },
);

const ask = async (env: Readonly<Record<string, string>>) => {
  const none = { HTTP_PROXY: "", HTTPS_PROXY: "", NO_PROXY: "", http_proxy: "", no_proxy: "" };
  const script = new URL("./testing/current-commit.ts", import.meta.url).pathname;
  const { stdout } = await startChild(script, [], { env: { ...none, ...env } }).ended;
  return stdout.trim();
};

test("HTTP_PROXY and NO_PROXY are gone by, under either runtime", () =>
  fixture(async ({ server }) => {
    const proxied: string[] = [];
    const proxy: Answer = (incoming, response) => {
      const url = new URL(incoming.url!);
      proxied.push(url.host);
      forward(server.endpoint, url.pathname + url.search, incoming, response);
    };
    await serving(proxy, async (address) => {
      // A name that no resolver knows: only the proxy can have answered.
      assert.equal(
        await ask({ HF_ENDPOINT: "http://hub.invalid", HTTP_PROXY: address }),
        server.commitOf(id),
      );
      assert.deepEqual(proxied, ["hub.invalid"]);
      const env = { HF_ENDPOINT: server.endpoint, HTTP_PROXY: address, NO_PROXY: "127.0.0.1" };
      assert.equal(await ask(env), server.commitOf(id));
      assert.deepEqual(proxied, ["hub.invalid"]);
    });
  }));

test("HTTP_PROXY is for http alone, HTTPS_PROXY for https, under either runtime", async () => {
  const asked: string[] = [];
  const proxy = createServer((_, response) => response.writeHead(502).end())
    .on("connect", ({ url }, socket) => {
      asked.push(url!);
      socket.end("HTTP/1.1 502 Bad Gateway\r\n\r\n");
    }).listen(0, "127.0.0.1");
  const server = createSecureServer(selfSigned).listen(0, "127.0.0.1");
  await Promise.all([proxy, server].map((each) => once(each, "listening")));
  const [address, hub] = [proxy, server].map((each) =>
    `localhost:${(each.address() as AddressInfo).port}`
  );
  try {
    const env = { HF_ENDPOINT: `https://${hub}`, HTTP_PROXY: `http://${address}` };
    assert.match(await ask(env), /a certificate of localhost/);
    assert.deepEqual(asked, []);
    await ask({ ...env, HTTPS_PROXY: `http://${address}` });
    assert.deepEqual([...new Set(asked)], [hub]);
  } finally {
    for (const each of [proxy, server]) {
      each.closeAllConnections();
      each.close();
    }
  }
});

test("an untrusted certificate is tried once, and what makes it trusted is named", async () => {
  let connections = 0;
  const server = createSecureServer(selfSigned).listen(0, "127.0.0.1");
  server.on("connection", () => connections++);
  await new Promise((done) => server.once("listening", done));
  const { port } = server.address() as AddressInfo;
  try {
    const said = await ask({ HF_ENDPOINT: `https://localhost:${port}` });
    assert.match(said, /a certificate of localhost.*DENO_CERT.*NODE_EXTRA_CA_CERTS/);
    assert.ok(connections <= 2, `${connections} connections`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

/** Made for this test: openssl req -x509 -newkey ec -nodes -days 36500 -subj /CN=localhost. */
const selfSigned = {
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgOQtuNaQU3PC40VW+
L3JN4WIGCuUnRm5y3+6TGM9la8KhRANCAASpEZvuwWUO+4lzSjmg4qdzeJz7BCke
65biMKNDXkzjNFdx+PNtsLNIqjvJkSef5rQqFyPXXIsh7y/dxbZXDi3d
-----END PRIVATE KEY-----`,
  cert: `-----BEGIN CERTIFICATE-----
MIIBmjCCAUGgAwIBAgIUHV2d8vhVcGPNl+K66uANkEKNoUYwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyOTE1MDQyMloYDzIxMjYxMTA1
MTUwNDIyWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAASpEZvuwWUO+4lzSjmg4qdzeJz7BCke65biMKNDXkzjNFdx+PNtsLNI
qjvJkSef5rQqFyPXXIsh7y/dxbZXDi3do28wbTAdBgNVHQ4EFgQUCWhZCKs1KRf/
Lxq4klqgj+aC+XQwHwYDVR0jBBgwFoAUCWhZCKs1KRf/Lxq4klqgj+aC+XQwDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDRwAwRAIgAj5ZT1MDiie9X9B30dPxMldwtWzf29DvLXADpm4mX5MCIFxg
r52hhcwm1VfhVMCEct77SSiUeku5ymnob6QwIbGb
-----END CERTIFICATE-----`,
};
