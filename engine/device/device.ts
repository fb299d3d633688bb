// A device: ONNX Runtime on one execution provider. Graphs become sessions, sessions run.
// The CPU works in a thread of this process, every other provider in a process of its own: when that one
// dies, what waits for it gets a DeviceLostFault, and this process lives on with all its state.
import type { Graph } from "../graph/graph.ts";
import { serialiseGraph } from "../graph/serialise.ts";
import { collectGarbage } from "./collect-garbage.ts";
import { errorSaid, faultOf, lostFault } from "./device-fault.ts";
import { lowered } from "./lower.ts";
import type { Feeds, Fetches, Placed, Reply, Request, SessionSettings } from "./messages.ts";
import type { Provider } from "./providers.ts";
import { processTransport } from "./process-transport.ts";
import { threadTransport } from "./thread-transport.ts";
import type { Transport } from "./transport.ts";

export interface Session {
  /**
   * Runs the graph once. Inputs that the graph does not use are ignored. Throws DeviceFault,
   * DeviceMemoryFault, DeviceLostFault.
   */
  run(feeds: Feeds): Promise<Fetches>;
  /** What ran where in a session that was loaded with `profiled`, after a run; once. */
  placement?(): Promise<readonly Placed[]>;
  release(): Promise<void>;
}

/** What the engine needs of a device. */
export interface Loader {
  readonly provider: Provider;
  /**
   * Compiles a graph. `optimised`: ONNX Runtime may prepare it for speed on the CPU too, at the price of
   * copies of its weights. `profiled`: where its nodes run can be asked. Throws as `Session.run` does.
   */
  load(graph: Graph, optimised?: boolean, profiled?: boolean): Promise<Session>;
  close(): Promise<void>;
}

export interface DeviceSettings extends SessionSettings {
  /** Whether it runs in a process of its own; by default every provider but the CPU does. */
  readonly isolated?: boolean;
  /** Its float16 kernels add up too coarsely: products of many terms are computed in float32. */
  readonly wideSums?: boolean;
}

type RequestBody = Request extends infer R ? R extends { id: number } ? Omit<R, "id"> : never
  : never;

interface Answer {
  readonly reply: Reply;
  readonly said: string;
}

export class Device implements Loader {
  readonly provider: Provider;
  readonly #settings: SessionSettings;
  readonly #wideSums: boolean;
  readonly #transport: Transport;
  readonly #waiting = new Map<
    number,
    { resolve(answer: Answer): void; reject(why: Error): void }
  >();
  #next = 0;
  #ended: string | undefined;

  constructor({ isolated, wideSums = false, ...settings }: DeviceSettings) {
    this.provider = settings.provider;
    this.#settings = settings;
    this.#wideSums = wideSums;
    const open = isolated ?? settings.provider !== "cpu" ? processTransport : threadTransport;
    this.#transport = open({
      onReply: (reply, said) => {
        this.#waiting.get(reply.id)?.resolve({ reply, said });
        this.#waiting.delete(reply.id);
        if (this.#waiting.size === 0) this.#transport.hold(false);
      },
      onEnd: (why) => {
        this.#ended ??= why;
        const lost = lostFault(this.provider, this.#ended);
        for (const { reject } of this.#waiting.values()) reject(lost);
        this.#waiting.clear();
      },
    });
  }

  /** The process whose memory the device's sessions take. */
  get processId(): number {
    return this.#transport.processId;
  }

  async load(graph: Graph, optimised = false, profiled = false): Promise<Session> {
    const { model, folder } = serialiseGraph(
      lowered(graph, this.provider, { optimised, wideSums: this.#wideSums }),
    );
    const session = `${this.#next}`;
    await this.#ask({
      kind: "create",
      session,
      model,
      folder,
      settings: this.#settings,
      optimised,
      profiled,
    });
    collectGarbage(model);
    return {
      run: async (feeds) => {
        const reply = await this.#ask({ kind: "run", session, feeds });
        return "fetches" in reply ? reply.fetches ?? {} : {};
      },
      placement: async () => {
        const reply = await this.#ask({ kind: "placement", session });
        return "placed" in reply ? reply.placed : [];
      },
      release: async () => void await this.#ask({ kind: "release", session }),
    };
  }

  async close(): Promise<void> {
    this.#ended ??= "closed";
    await this.#transport.end();
  }

  async #ask(body: RequestBody): Promise<Exclude<Reply, { error: string }>> {
    if (this.#ended !== undefined) throw lostFault(this.provider, this.#ended);
    const id = this.#next++;
    const { reply, said } = await new Promise<Answer>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#transport.hold(true);
      this.#transport.send({ ...body, id });
    });
    if ("error" in reply) throw faultOf(this.provider, reply.error, said);
    const silent = errorSaid(said);
    if (silent !== undefined) throw faultOf(this.provider, silent, said);
    return reply;
  }
}
