// A device: ONNX Runtime on one execution provider, in a worker thread. Graphs become sessions, sessions
// run. The trap: telemetry of the Linux library can be switched off only in the environment, before the
// library is loaded and from the main thread.
import { Worker } from "node:worker_threads";
import { fault } from "../fault.ts";
import type { Graph } from "../graph/graph.ts";
import { serialiseGraph } from "../graph/serialise.ts";
import type { Feeds, Fetches, Provider, Reply, Request, SessionSettings } from "./messages.ts";

export class DeviceFault extends fault("DeviceFault", "world") {}

export interface Session {
  /** Runs the graph once. Inputs that the graph does not use are ignored. Throws DeviceFault. */
  run(feeds: Feeds): Promise<Fetches>;
  release(): Promise<void>;
}

type RequestBody = Request extends infer R ? R extends { id: number } ? Omit<R, "id"> : never
  : never;

export class Device {
  readonly provider: Provider;
  readonly #settings: SessionSettings;
  readonly #worker: Worker;
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  #next = 0;
  #lost: string | undefined;

  constructor(settings: SessionSettings) {
    process.env.ORT_DISABLE_TELEMETRY = "1";
    this.provider = settings.provider;
    this.#settings = settings;
    this.#worker = new Worker(new URL("./worker.ts", import.meta.url));
    this.#worker.on("message", (reply: Reply) => {
      this.#waiting.get(reply.id)?.(reply);
      this.#waiting.delete(reply.id);
      if (this.#waiting.size === 0) this.#worker.unref();
    });
    this.#worker.on("error", (error: Error) => this.#lose(error.message));
    this.#worker.on("exit", (code: number) => this.#lose(`its worker ended with code ${code}`));
    this.#worker.unref();
  }

  async load(graph: Graph): Promise<Session> {
    const { model, folder } = serialiseGraph(graph);
    const session = `${this.#next}`;
    await this.#ask({ kind: "create", session, model, folder, settings: this.#settings });
    return {
      run: async (feeds) => (await this.#ask({ kind: "run", session, feeds })) ?? {},
      release: async () => void await this.#ask({ kind: "release", session }),
    };
  }

  async close(): Promise<void> {
    this.#lost = "closed";
    await this.#worker.terminate();
  }

  async #ask(body: RequestBody): Promise<Fetches | undefined> {
    if (this.#lost !== undefined) throw deviceFault(this.provider, this.#lost);
    const id = this.#next++;
    const reply = await new Promise<Reply>((resolve) => {
      this.#waiting.set(id, resolve);
      this.#worker.ref();
      this.#worker.postMessage({ ...body, id });
    });
    if ("error" in reply) throw deviceFault(this.provider, reply.error);
    return reply.fetches;
  }

  #lose(why: string): void {
    if (this.#lost === "closed") return;
    this.#lost = why;
    for (const [id, resolve] of this.#waiting) resolve({ id, error: why });
    this.#waiting.clear();
  }
}

const deviceFault = (provider: Provider, found: string) =>
  new DeviceFault({
    key: "provider",
    wanted: `the ${provider} device to carry out a step`,
    found,
    fix: "Run `doctor` to see which devices work here; nothing that was finished is lost.",
  });
