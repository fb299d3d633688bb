// ONNX Runtime in a worker thread of this process: no copies of weights, no start-up.
// The traps: telemetry of the Linux library can be switched off only in the environment, before the library
// is loaded and from the main thread. And a process that ends while a session is being made takes the
// library's globals from under it and crashes; Deno ends a thread without waiting for that.
import { Worker } from "node:worker_threads";
import { type BareReply, bareRequest, replyOf } from "./bare.ts";
import type { Carrier, Listener } from "./carrier.ts";

export function threadCarrier({ onReply, onEnd }: Listener): Carrier {
  process.env.ORT_DISABLE_TELEMETRY = "1";
  const worker = new Worker(new URL("./worker.ts", import.meta.url));
  const making = new Set<number>();
  let idle = () => {};
  const made = (id: number) => {
    if (making.delete(id) && making.size === 0) idle();
  };
  const ended = (why: string) => {
    making.clear();
    idle();
    onEnd(why);
  };
  worker.on("message", (bare: BareReply) => {
    onReply(replyOf(bare));
    made(bare.id);
  });
  worker.on("error", (error: Error) => ended(error.message));
  worker.on("exit", (code: number) => ended(`its thread ended with code ${code}`));
  worker.unref();
  return {
    processId: process.pid,
    send: (request) => {
      if (request.kind === "create") making.add(request.id);
      const { message, buffers } = bareRequest(request);
      worker.postMessage(message, [...buffers]);
    },
    hold: (alive) => alive ? worker.ref() : worker.unref(),
    end: async () => {
      if (making.size > 0) await new Promise<void>((resolve) => idle = resolve);
      await worker.terminate();
    },
  };
}
