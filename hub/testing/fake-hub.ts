// For tests: a hub on 127.0.0.1 that answers like huggingface.co, with a second server that large files
// are redirected to, as they are there. Python's huggingface_hub downloads from it too
// (tests/peers/hub-cache.test.ts), which is what keeps it honest.
// The trap: `injectedFailures` are used up, one for each request of the file, and then all goes well.
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export type InjectedFailure =
  | { readonly cutAfter: number }
  | { readonly endAfter: number }
  | { readonly stallAfter: number }
  | { readonly status: number; readonly headers?: Record<string, string> }
  | { readonly wrongBytes: true }
  | { readonly ignoreRange: true }
  | { readonly hold: Promise<void> }
  | { readonly location: string };

export interface FakeRepository {
  readonly type?: "model" | "dataset";
  readonly files: Readonly<Record<string, string | Uint8Array>>;
  readonly access?: "public" | "gated" | "private";
  readonly tags?: readonly string[];
}

export interface Seen {
  readonly server: "hub" | "cdn";
  readonly method: string;
  readonly path: string;
  readonly authorization: string | undefined;
  readonly range: string | undefined;
}

export interface FakeHub {
  readonly endpoint: string;
  readonly seen: Seen[];
  /** Files whose bytes were asked for, in order; once for each attempt. */
  readonly served: string[];
  /** What goes wrong with the next requests of a file, by its path or "api". */
  readonly injectedFailures: Map<string, InjectedFailure[]>;
  readonly commitOf: (id: string) => string;
  readonly etagOf: (id: string, path: string) => string;
  readonly close: () => Promise<void>;
}

/** The one token that opens gated and private repositories. */
export const goodToken = "hf_test_good";

interface Stored {
  readonly bytes: Buffer;
  readonly oid: string;
  readonly lfs: string | undefined;
}

const store = (content: string | Uint8Array, path: string): Stored => {
  const bytes = Buffer.from(content as Uint8Array);
  const isLarge = path.endsWith(".safetensors") || bytes.length > 10_000;
  const lfs = isLarge ? createHash("sha256").update(bytes).digest("hex") : undefined;
  const git = lfs === undefined ? bytes : Buffer.from(
    `version https://git-lfs.github.com/spec/v1\noid sha256:${lfs}\nsize ${bytes.length}\n`,
  );
  const oid = createHash("sha1").update(`blob ${git.length}\0`).update(git).digest("hex");
  return { bytes, oid, lfs };
};

export async function fakeHub(
  repositories: Readonly<Record<string, FakeRepository>>,
): Promise<FakeHub> {
  const repos = new Map(
    Object.entries(repositories).map(([id, repo]) => {
      const files = new Map(
        Object.entries(repo.files).map(([path, content]) => [path, store(content, path)]),
      );
      const listing = [...files].map(([path, { oid }]) => path + oid).join();
      const commit = createHash("sha1").update(id + listing).digest("hex");
      return [id, { ...repo, type: repo.type ?? "model", files, commit }] as const;
    }),
  );
  const seen: Seen[] = [];
  const served: string[] = [];
  const injectedFailures = new Map<string, InjectedFailure[]>();
  let cdnEndpoint = "";

  const refuse = (response: ServerResponse, status: number, code: string, text: string): void => {
    response.writeHead(status, { "X-Error-Code": code, "X-Error-Message": text });
    response.end(JSON.stringify({ error: text }));
  };
  const json = (response: ServerResponse, value: unknown, headers = {}): void => {
    response.writeHead(200, { "Content-Type": "application/json; charset=utf-8", ...headers });
    response.end(JSON.stringify(value));
  };

  const hub = createServer((request, response) => {
    const url = new URL(request.url ?? "", endpoint);
    const { authorization } = note("hub", request, url.pathname);
    const isApi = url.pathname.startsWith("/api/");
    const injected = isApi ? injectedFailures.get("api")?.shift() : undefined;
    if (injected !== undefined) return goWrong(injected, response, Buffer.from(`{"sha": "0"}`), 0);
    const path = url.pathname.slice(isApi ? 4 : 0)
      .replace(isApi ? /^\/(?:models|datasets)\// : /^\/(?:datasets\/)?/, "");
    const type = /^(?:\/api)?\/datasets\//.test(url.pathname) ? "dataset" : "model";
    const [org, name, verb = "", rawRevision = "", ...rest] = path.split("/");
    const id = `${org}/${name}`;
    const repo = repos.get(id);
    const isIn = authorization === `Bearer ${goodToken}`;
    if (repo === undefined || repo.type !== type || (repo.access === "private" && !isIn)) {
      return authorization === undefined
        ? refuse(response, 401, "RepoNotFound", "Invalid username or password.")
        : isIn
        ? refuse(response, 404, "RepoNotFound", "Repository not found")
        : refuse(response, 401, "", "Invalid credentials in Authorization header");
    }
    if (verb === "refs") {
      const ref = (ref: string) => ({
        name: ref,
        ref: `refs/heads/${ref}`,
        targetCommit: repo.commit,
      });
      return json(response, { branches: [ref("main")], tags: (repo.tags ?? []).map(ref) });
    }
    const revision = verb === "" ? "main" : decodeURIComponent(rawRevision);
    if (!["main", "HEAD", repo.commit, ...repo.tags ?? []].includes(revision)) {
      return refuse(response, 404, "RevisionNotFound", `Invalid rev id: ${revision}`);
    }
    if (verb === "" || verb === "revision") {
      const siblings = [...repo.files.keys()].map((rfilename) => ({ rfilename }));
      return json(response, { _id: "0", id, sha: repo.commit, private: false, siblings });
    }
    if (verb === "tree") return tree(response, url, repo.files);
    if (verb !== "resolve") return refuse(response, 404, "", "no such route");
    if (repo.access === "gated" && !isIn) {
      return refuse(
        response,
        authorization === undefined ? 401 : 403,
        "GatedRepo",
        `Access to ${id} is restricted`,
      );
    }
    const file = rest.map(decodeURIComponent).join("/");
    const stored = repo.files.get(file);
    response.setHeader("X-Repo-Commit", repo.commit);
    if (stored === undefined) return refuse(response, 404, "EntryNotFound", "Entry not found");
    if (stored.lfs === undefined) return send(request, response, file, stored);
    response.writeHead(302, {
      "X-Linked-Etag": `"${stored.lfs}"`,
      "X-Linked-Size": stored.bytes.length,
      Location: `${cdnEndpoint}/${id}/${encodeURIComponent(file)}?signature=secret`,
    }).end();
  });

  const tree = (response: ServerResponse, url: URL, files: ReadonlyMap<string, Stored>): void => {
    const folders = new Set(
      [...files.keys()].filter((p) => p.includes("/")).map((p) => p.split("/")[0]),
    );
    const entries = [
      ...[...folders].map((path) => ({ type: "directory", oid: "0".repeat(40), size: 0, path })),
      ...[...files].map(([path, { bytes, oid, lfs }]) => ({
        type: "file",
        oid,
        size: bytes.length,
        path,
        ...(lfs === undefined ? {} : { lfs: { oid: lfs, size: bytes.length, pointerSize: 134 } }),
      })),
    ];
    const start = Number(url.searchParams.get("cursor") ?? 0);
    const page = 7;
    url.searchParams.set("cursor", String(start + page));
    const more = start + page < entries.length;
    json(
      response,
      entries.slice(start, start + page),
      more ? { Link: `<${url.href}>; rel="next"` } : {},
    );
  };

  const cdn = createServer((request, response) => {
    const url = new URL(request.url ?? "", cdnEndpoint);
    const [, org, name, file] = url.pathname.split("/").map(decodeURIComponent);
    note("cdn", request, url.pathname);
    const stored = repos.get(`${org}/${name}`)?.files.get(file);
    if (stored === undefined || url.searchParams.get("signature") !== "secret") {
      return void response.writeHead(403).end();
    }
    send(request, response, file, stored);
  });

  function note(server: Seen["server"], request: IncomingMessage, path: string): Seen {
    const { authorization, range } = request.headers;
    const one: Seen = { server, method: request.method ?? "", path, authorization, range };
    seen.push(one);
    return one;
  }

  function send(
    request: IncomingMessage,
    response: ServerResponse,
    file: string,
    stored: Stored,
  ): void {
    if (request.method !== "HEAD") served.push(file);
    const injected = request.method === "HEAD" ? undefined : injectedFailures.get(file)?.shift();
    const range = /^bytes=(\d+)-/.exec(request.headers.range ?? "");
    const isPart = range !== null && !(injected !== undefined && "ignoreRange" in injected);
    const { length } = stored.bytes;
    const start = isPart ? Number(range[1]) : 0;
    response.setHeader("ETag", `"${stored.lfs ?? stored.oid}"`);
    if (isPart && start >= length) {
      return void response.writeHead(416, { "Content-Range": `bytes */${length}` }).end();
    }
    response.statusCode = isPart ? 206 : 200;
    if (isPart) response.setHeader("Content-Range", `bytes ${start}-${length - 1}/${length}`);
    if (injected !== undefined) return goWrong(injected, response, stored.bytes, start);
    response.setHeader("Content-Length", length - start);
    response.end(request.method === "HEAD" ? undefined : stored.bytes.subarray(start));
  }

  function goWrong(
    injected: InjectedFailure,
    response: ServerResponse,
    bytes: Buffer,
    start: number,
  ): void {
    if ("status" in injected) {
      return void response.writeHead(injected.status, injected.headers ?? {}).end();
    }
    if ("location" in injected) {
      return void response.writeHead(302, { Location: injected.location }).end();
    }
    if ("endAfter" in injected) {
      return void response.end(bytes.subarray(start, start + injected.endAfter));
    }
    response.setHeader("Content-Length", bytes.length - start);
    if ("wrongBytes" in injected) return void response.end(Buffer.alloc(bytes.length - start, 7));
    if ("hold" in injected) {
      return void injected.hold.then(() => response.end(bytes.subarray(start)));
    }
    if ("ignoreRange" in injected) return void response.end(bytes.subarray(start));
    const after = "cutAfter" in injected ? injected.cutAfter : injected.stallAfter;
    response.write(bytes.subarray(start, start + after), () => {
      if ("cutAfter" in injected) response.socket?.destroy();
    });
  }

  const listen = (server: Server): Promise<string> =>
    new Promise((resolve) =>
      server.listen(
        0,
        "127.0.0.1",
        () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
      )
    );
  const close = (server: Server): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  cdnEndpoint = await listen(cdn);
  const endpoint = await listen(hub);
  return {
    endpoint,
    seen,
    served,
    injectedFailures,
    commitOf: (id) => repos.get(id)!.commit,
    etagOf: (id, path) => {
      const { lfs, oid } = repos.get(id)!.files.get(path)!;
      return lfs ?? oid;
    },
    close: async () => {
      await close(hub);
      await close(cdn);
    },
  };
}
