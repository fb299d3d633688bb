// ONNX Runtime in a worker thread of this process: no copies of weights, no start-up.
// The trap: telemetry of the Linux library can be switched off only in the environment, before the
// library is loaded and from the main thread.
import { Worker } from "node:worker_threads";
import { type BareReply, bareRequest, replyOf } from "./bare.ts";
import type { Carrier, Listener } from "./carrier.ts";

export function threadCarrier({ onReply, onEnd }: Listener): Carrier {
  process.env.ORT_DISABLE_TELEMETRY = "1";
  const worker = new Worker(new URL("./worker.ts", import.meta.url));
  worker.on("message", (bare: BareReply) => onReply(replyOf(bare)));
  worker.on("error", (error: Error) => onEnd(error.message));
  worker.on("exit", (code: number) => onEnd(`its thread ended with code ${code}`));
  worker.unref();
  return {
    processId: process.pid,
    send: (request) => {
      const { message, buffers } = bareRequest(request);
      worker.postMessage(message, [...buffers]);
    },
    hold: (alive) => alive ? worker.ref() : worker.unref(),
    end: async () => void await worker.terminate(),
  };
}
