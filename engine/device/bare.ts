// Requests and replies as threads hand them over: buffers in the place of arrays, moved and not copied.
// The trap: Deno looks at each element of an array that comes with a message, 0.2 seconds for a million, so
// a picture's pixels took longer to arrive than a layer to compute; a bare buffer it leaves alone.
import type { Reply, Request, Tensor } from "./messages.ts";

type Tensors = Readonly<Record<string, Tensor>>;
type BareTensors = Readonly<
  Record<string, { readonly dims: readonly number[]; readonly data: ArrayBuffer }>
>;
type RequestOf<Kind> = Extract<Request, { kind: Kind }>;
export type BareRequest =
  | (Omit<RequestOf<"create">, "model"> & { readonly model: ArrayBuffer })
  | (Omit<RequestOf<"run">, "feeds"> & { readonly feeds: BareTensors })
  | RequestOf<"release">;
export type BareReply =
  | { readonly id: number; readonly fetches?: BareTensors }
  | Extract<Reply, { error: string }>;

/** What to post, and the buffers in it that are moved. */
interface Bare<Message> {
  readonly message: Message;
  readonly buffers: readonly ArrayBuffer[];
}

const mapped = <A, B>(record: Readonly<Record<string, A>>, map: (value: A) => B) =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value)]));

const buffersOf = (tensors: BareTensors) => Object.values(tensors).map(({ data }) => data);

const arraysOf = (tensors: BareTensors): Tensors =>
  mapped(tensors, ({ dims, data }) => ({
    type: "float32",
    dims,
    data: new Float32Array(data),
  }));

/** The sender's arrays stay its own. */
export function bareRequest(request: Request): Bare<BareRequest> {
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
    case "release":
      return { message: request, buffers: [] };
  }
}

export function requestOf(bare: BareRequest): Request {
  switch (bare.kind) {
    case "create":
      return { ...bare, model: new Uint8Array(bare.model) };
    case "run":
      return { ...bare, feeds: arraysOf(bare.feeds) };
    case "release":
      return bare;
  }
}

/** The sender's arrays are given away. */
export function bareReply(reply: Reply): Bare<BareReply> {
  if ("error" in reply || reply.fetches === undefined) {
    return { message: reply as BareReply, buffers: [] };
  }
  const fetches = mapped(reply.fetches, ({ dims, data }) => ({
    dims,
    data: data.buffer as ArrayBuffer,
  }));
  return { message: { id: reply.id, fetches }, buffers: buffersOf(fetches) };
}

export const replyOf = (bare: BareReply): Reply =>
  "error" in bare || bare.fetches === undefined
    ? bare as Reply
    : { id: bare.id, fetches: arraysOf(bare.fetches) };
