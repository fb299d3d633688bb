// What the page's server answers, request by request, once the gate has let it pass. Everything is
// looked up (runs by id, pictures by number, the page's files by name); no path comes from a request.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Pictures } from "../../reading/pictures.ts";
import type { RunFolder } from "../../reading/run-folders.ts";
import type { ListedRun } from "../../reading/run-list.ts";
import type { RunReader } from "../../reading/run-reader.ts";
import { thinCurves } from "../../reading/thin-curves.ts";
import { viewRun } from "../../reading/run-view.ts";
import { renderReport } from "../../report/report.ts";
import { streamEvents } from "./event-stream.ts";
import type { PageFile } from "./page-files.ts";
import { safeHeaders } from "./request-guard.ts";
import { parseRequest, steer } from "../../reading/steer.ts";
import { listSweeps, viewSweep } from "../../reading/sweeps.ts";

export interface Served {
  /** The folder that is watched, as the user gave it. */
  readonly folder: string;
  readonly actionToken: string;
  readonly pageFiles: ReadonlyMap<string, PageFile>;
  readonly pictures: Pictures;
  readonly runs: () => Promise<readonly RunFolder[]>;
  readonly listed: (run: RunFolder) => Promise<ListedRun | undefined>;
  readonly reader: (run: RunFolder) => RunReader;
}

const longestBody = 1 << 16;

function send(
  response: ServerResponse,
  status: number,
  body: string | Uint8Array,
  headers: Readonly<Record<string, string>>,
): void {
  response.writeHead(status, { "Content-Length": String(Buffer.byteLength(body)), ...headers });
  response.end(body);
}

const sendJson = (response: ServerResponse, value: unknown, status = 200): void =>
  send(response, status, JSON.stringify(value), {
    "Content-Type": "application/json; charset=utf-8",
  });

export const sendText = (response: ServerResponse, status: number, text: string): void =>
  send(response, status, `${text}\n`, { "Content-Type": "text/plain; charset=utf-8" });

const number = (text: string | null, least: number, most: number, otherwise: number): number => {
  const value = text === null || text === "" ? NaN : Number(text);
  return Number.isFinite(value) ? Math.min(most, Math.max(least, value)) : otherwise;
};

async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of request) {
    bytes += part.length;
    if (bytes > longestBody) return undefined;
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

/** The report shows a run's own texts, so it is shut in: nothing loaded, nothing sent, no origin. */
const reportHeaders = {
  "Content-Type": "text/html; charset=utf-8",
  "Content-Security-Policy": "sandbox allow-scripts; default-src 'none'; img-src data:; " +
    "style-src 'unsafe-inline'; script-src 'unsafe-inline'; frame-ancestors 'none'",
};

async function answerRun(
  served: Served,
  run: RunFolder,
  rest: readonly string[],
  url: URL,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const reader = served.reader(run);
  const query = url.searchParams;
  const [what, id] = rest;
  if (request.method === "POST") {
    if (what !== "control") return sendText(response, 404, "no such action");
    const body = await bodyOf(request);
    const asked = body === undefined ? "too long" : parseRequest(body);
    if (typeof asked === "string") return sendJson(response, { problem: asked }, 400);
    const { state } = await reader.read();
    const problem = await steer({ dir: run.dir, state }, asked);
    return problem === undefined
      ? sendJson(response, {}, 202)
      : sendJson(response, { problem }, 409);
  }
  switch (what) {
    case undefined:
      return sendJson(response, await viewRun(reader));
    case "curves": {
      const { curves } = await reader.read();
      const smoothing = query.get("smoothing");
      return sendJson(
        response,
        thinCurves(curves, {
          points: number(query.get("points"), 10, 4000, 800),
          ...(smoothing === null ? {} : { smoothing: number(smoothing, 0, 0.999, 0.9) }),
          from: number(query.get("from"), 0, Infinity, -Infinity),
          to: number(query.get("to"), 0, Infinity, Infinity),
        }),
      );
    }
    case "events": {
      const last = request.headers["last-event-id"] ?? query.get("from");
      const offset = number(last === null ? null : String(last), 0, Number.MAX_SAFE_INTEGER, 0);
      return await streamEvents(run.dir, offset, response);
    }
    case "pictures": {
      const { state } = await reader.read();
      const size = number(query.get("size"), 1, 4096, 4096);
      const picture = await served.pictures.get({ dir: run.dir, state }, id ?? "", size);
      return picture === undefined
        ? sendText(response, 404, "no such picture")
        : send(response, 200, picture.bytes, {
          "Content-Type": picture.type,
          "Cache-Control": "private, max-age=31536000, immutable",
        });
    }
    case "report.html":
      return send(response, 200, await renderReport(run.dir), reportHeaders);
    default:
      return sendText(response, 404, "nothing here");
  }
}

async function answerSweeps(
  { folder, runs }: Served,
  id: string | undefined,
  response: ServerResponse,
): Promise<void> {
  if (id === undefined) return sendJson(response, await listSweeps(folder, await runs()));
  const sweep = await viewSweep(folder, await runs(), id);
  return sweep === undefined ? sendText(response, 404, "no such sweep") : sendJson(response, sweep);
}

function pathParts(url: URL): readonly string[] {
  try {
    return url.pathname.split("/").slice(1).map(decodeURIComponent);
  } catch {
    return [];
  }
}

/** Answers a request that passed the gate. */
export async function answer(
  served: Served,
  url: URL,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  for (const [name, value] of Object.entries(safeHeaders)) response.setHeader(name, value);
  const page = served.pageFiles.get(url.pathname);
  if (page !== undefined && request.method !== "POST") {
    return send(response, 200, page.bytes, { "Content-Type": page.type });
  }
  const [api, kind, id, ...rest] = pathParts(url);
  if (api === "api" && kind === "session" && id === undefined) {
    return sendJson(response, { token: served.actionToken, folder: served.folder });
  }
  if (api === "api" && kind === "sweeps" && request.method !== "POST" && rest.length === 0) {
    return await answerSweeps(served, id, response);
  }
  if (api !== "api" || kind !== "runs") return sendText(response, 404, "nothing here");
  const runs = await served.runs();
  if (id === undefined) {
    const listed = await Promise.all(runs.map(served.listed));
    return sendJson(response, listed.filter((run) => run !== undefined));
  }
  const run = runs.find((each) => each.id === id);
  return run === undefined
    ? sendText(response, 404, "no such run")
    : await answerRun(served, run, rest, url, request, response);
}
