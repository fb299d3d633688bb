// What carries requests to where ONNX Runtime runs, and replies back: a worker thread for the CPU, a
// process of its own for anything whose driver may take the whole process down with it.
import type { Reply, Request } from "./messages.ts";

export interface Listener {
  readonly onReply: (reply: Reply) => void;
  /** The other side ended; no reply will come any more. */
  readonly onEnd: (why: string) => void;
}

export interface Carrier {
  /** The process in which ONNX Runtime runs. */
  readonly processId: number;
  send(request: Request): void;
  /** Whether the other side keeps this process alive: it should while a reply is awaited. */
  hold(alive: boolean): void;
  /** Ends the other side, in the middle of a request too. */
  end(): Promise<void>;
}
