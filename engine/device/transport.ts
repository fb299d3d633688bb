// What carries requests to where ONNX Runtime runs, and replies back: a worker thread for the CPU, a
// process of its own for anything whose driver may take the whole process down with it. Threads hand over
// buffers in the place of arrays, moved and not copied.
// The trap: Deno looks at each element of an array that comes with a message, 0.2 seconds for a million, so
// a picture's pixels took longer to arrive than a layer to compute; a bare buffer it leaves alone.
import type { Reply, Request, Tensor } from "./messages.ts";

export interface Listener {
  /** `said`: what ONNX Runtime and the driver wrote to stderr meanwhile, where that can be told. */
  readonly onReply: (reply: Reply, said: string) => void;
  /** The other side ended; no reply will come any more. */
  readonly onEnd: (why: string) => void;
}

export interface Transport {
  /** The process in which ONNX Runtime runs. */
  readonly processId: number;
  send(request: Request): void;
  /** Whether the other side keeps this process alive: it should while a reply is awaited. */
  hold(alive: boolean): void;
  /** Ends the other side, in the middle of a request too. */
  end(): Promise<void>;
}

type Tensors = Readonly<Record<string, Tensor>>;
type TransferableTensors = Readonly<
  Record<string, { readonly dims: readonly number[]; readonly data: ArrayBuffer }>
>;
type RequestOf<Kind> = Extract<Request, { kind: Kind }>;
export type TransferableRequest =
  | (Omit<RequestOf<"create">, "model"> & { readonly model: ArrayBuffer })
  | (Omit<RequestOf<"run">, "feeds"> & { readonly feeds: TransferableTensors })
  | RequestOf<"placement">
  | RequestOf<"release">;
export type TransferableReply =
  | { readonly id: number; readonly fetches?: TransferableTensors }
  | Extract<Reply, { error: string } | { placed: unknown }>;

/** What to post, and the buffers in it that are moved. */
interface Transferable<Message> {
  readonly message: Message;
  readonly buffers: readonly ArrayBuffer[];
}

const mapped = <A, B>(record: Readonly<Record<string, A>>, map: (value: A) => B) =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value)]));

const buffersOf = (tensors: TransferableTensors) => Object.values(tensors).map(({ data }) => data);

const arraysOf = (tensors: TransferableTensors): Tensors =>
  mapped(tensors, ({ dims, data }) => ({
    type: "float32",
    dims,
    data: new Float32Array(data),
  }));

/** The sender's arrays stay its own. */
export function transferableRequest(request: Request): Transferable<TransferableRequest> {
  switch (request.kind) {
    case "create": {
      const model = new Uint8Array(request.model).buffer;
      return { message: { ...request, model }, buffers: [model] };
    }
    case "run": {
      const feeds = mapped(
        request.feeds,
        ({ dims, data }) => ({ dims, data: new Float32Array(data).buffer }),
      );
      return { message: { ...request, feeds }, buffers: buffersOf(feeds) };
    }
    case "placement":
    case "release":
      return { message: request, buffers: [] };
  }
}

export function requestOf(transferable: TransferableRequest): Request {
  switch (transferable.kind) {
    case "create":
      return { ...transferable, model: new Uint8Array(transferable.model) };
    case "run":
      return { ...transferable, feeds: arraysOf(transferable.feeds) };
    case "placement":
    case "release":
      return transferable;
  }
}

/** The sender's arrays are given away. */
export function transferableReply(reply: Reply): Transferable<TransferableReply> {
  if ("error" in reply || "placed" in reply || reply.fetches === undefined) {
    return { message: reply as TransferableReply, buffers: [] };
  }
  const fetches = mapped(reply.fetches, ({ dims, data }) => ({
    dims,
    data: data.buffer as ArrayBuffer,
  }));
  return { message: { id: reply.id, fetches }, buffers: buffersOf(fetches) };
}

export const replyOf = (transferable: TransferableReply): Reply =>
  "error" in transferable || "placed" in transferable || transferable.fetches === undefined
    ? transferable as Reply
    : { id: transferable.id, fetches: arraysOf(transferable.fetches) };

/** One request at a time, in the order in which they came. */
export function serialQueue<T>(carryOut: (request: T) => Promise<void>): (request: T) => void {
  let last: Promise<void> = Promise.resolve();
  return (request) => last = last.then(() => carryOut(request));
}
