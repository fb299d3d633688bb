// The live page: a server on this machine that shows runs and steers them. It only reads the runs'
// folders and appends to their control files, so a training neither needs it nor notices its end.
// The trap: whatever happens in a request stays in it; the server may live inside a training process.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { resolve } from "node:path";
import { fault } from "../../../lib/fault.ts";
import { newPictures } from "../../reading/pictures.ts";
import { findRuns, type RunFolder } from "../../reading/run-folders.ts";
import { newRunList } from "../../reading/run-list.ts";
import { newRunReader, type RunReader } from "../../reading/run-reader.ts";
import { loadPageFiles } from "./page-files.ts";
import { newGate } from "./request-guard.ts";
import { answer, sendText, type Served } from "./routes.ts";

export class CannotListen extends fault("CannotListen", "world") {}
/** An address that is none of this machine's, or a port that is not for everybody. */
export class NotForListening extends fault("NotForListening", "user") {}

export interface MonitorOptions {
  /** The address to listen on; others than the default open the page to the network. */
  readonly host?: string;
  /** The first port to try; 0 takes any. */
  readonly port?: number;
}

export interface Monitor {
  /** What to open in a browser; it holds the key. */
  readonly address: string;
  readonly port: number;
  /** True when the wanted port was in use and another was taken. */
  readonly otherPort: boolean;
  close(): Promise<void>;
}

export const defaultPort = 7373;
const portsTried = 20;
/** What the systems say of a name that nobody knows, and of an address that is another machine's. */
const hostless = /^(ENOTFOUND|EAI_\w+|EADDRNOTAVAIL|EINVAL)$/;

const listen = (server: Server, host: string, port: number): Promise<number | undefined> =>
  new Promise((done, failed) => {
    const onError = (cause: NodeJS.ErrnoException) => {
      const { code = "", message } = cause;
      if (code === "EADDRINUSE") return done(undefined);
      const place = `to listen on ${host}, port ${port}`;
      failed(
        hostless.test(code)
          ? new NotForListening({
            key: "--host",
            wanted: "an address of this machine",
            found: `${host} (${code})`,
            fix: "0.0.0.0 is all that it has; without --host only this machine sees the page.",
            cause,
          })
          : code === "EACCES"
          ? new NotForListening({
            key: "--port",
            wanted: place,
            found: "a port that the system keeps for others",
            fix: "Give one from 1024 on.",
            cause,
          })
          : new CannotListen({
            wanted: place,
            found: message,
            fix: "Give another --host or --port.",
            cause,
          }),
      );
    };
    server.once("error", onError);
    server.listen(port, host, () => {
      server.off("error", onError);
      const address = server.address();
      done(typeof address === "object" && address !== null ? address.port : port);
    });
  });

async function listenSomewhere(server: Server, host: string, first: number): Promise<number> {
  const last = Math.min(65535, first === 0 ? 0 : first + portsTried - 1);
  for (let port = first; port <= last; port++) {
    const taken = await listen(server, host, port);
    if (taken !== undefined) return taken;
  }
  throw new CannotListen({
    wanted: `a free port from ${first} to ${last} on ${host}`,
    found: "all of them in use",
    fix: "Give another one with --port.",
  });
}

/**
 * Serves the runs in `folder` (a run, or a folder of runs, which may come later) until closed.
 * Throws CannotListen and NotForListening.
 */
export async function startMonitor(
  folder: string,
  { host = "127.0.0.1", port: wanted = defaultPort }: MonitorOptions = {},
): Promise<Monitor> {
  const pageFiles = await loadPageFiles();
  const pictures = newPictures();
  const readers = new Map<string, RunReader>();
  const reader = ({ dir }: RunFolder): RunReader => {
    const made = readers.get(dir) ?? newRunReader(dir);
    readers.set(dir, made);
    return made;
  };

  // Who opens connections and says little holds nothing for long, under either runtime.
  const server = createServer({
    headersTimeout: 5000,
    requestTimeout: 30_000,
    connectionsCheckingInterval: 1000,
  });
  const port = await listenSomewhere(server, host, wanted);
  const requestGuard = newGate(host, port);
  const served: Served = {
    folder: resolve(folder),
    actionToken: requestGuard.actionToken,
    pageFiles,
    pictures,
    runs: () => findRuns(folder),
    listed: newRunList(),
    reader,
  };

  // A single run is read before the page asks for it.
  findRuns(folder).then(([first, ...others]) => {
    if (first !== undefined && others.length === 0) return reader(first).read();
  }).catch(() => undefined);

  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const { method = "", url = "", headers } = request;
    const checked = requestGuard.check({ method, url, headers });
    switch (checked.verdict) {
      case "refuse":
        return sendText(response, checked.status, checked.why);
      case "enter":
        response.writeHead(303, { "Set-Cookie": checked.cookie, Location: "/" });
        return void response.end();
      case "pass":
        return await answer(served, checked.url, request, response);
    }
  };
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    response.on("error", () => undefined);
    handle(request, response).catch((error: Error) => {
      if (response.headersSent) response.destroy();
      else sendText(response, 500, error.message);
    });
  });

  return {
    address: requestGuard.address,
    port,
    otherPort: wanted !== 0 && port !== wanted,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}
