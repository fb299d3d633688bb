// ONNX Runtime in a worker thread of this process: no copies of weights, no start-up.
// The traps: telemetry of the Linux library can be switched off only in the environment, before the
// library is loaded and from the main thread; and a thread at work must not be ended (busy.ts), so one that
// is closed meanwhile ends with its reply, and the process not before.
import { Worker } from "node:worker_threads";
import { awaitIdle, closeBusy, newBusy } from "./busy.ts";
import {
  type Listener,
  replyOf,
  type TransferableReply,
  transferableRequest,
  type Transport,
} from "./transport.ts";

/** Milliseconds that somebody who stopped the process waits for a step, which on a large model takes minutes. */
const patience = 5000;

export function threadTransport({ onReply, onEnd }: Listener): Transport {
  process.env.ORT_DISABLE_TELEMETRY = "1";
  const busy = newBusy();
  let closed = false;
  const worker = new Worker(new URL("./worker.ts", import.meta.url), { workerData: busy });
  const beforeExit = (code: number) => {
    const isStopped = code > 128;
    if (!awaitIdle(busy, isStopped ? patience : Infinity)) process.kill(process.pid, "SIGKILL");
  };
  process.on("exit", beforeExit);
  worker.on("message", (transferable: TransferableReply) => {
    onReply(replyOf(transferable));
    if (closed) void worker.terminate();
  });
  worker.on("error", (error: Error) => onEnd(error.message));
  worker.on("exit", (code: number) => {
    process.off("exit", beforeExit);
    onEnd(`its thread ended with code ${code}`);
  });
  worker.unref();
  return {
    processId: process.pid,
    send: (request) => {
      const { message, buffers } = transferableRequest(request);
      worker.postMessage(message, [...buffers]);
    },
    hold: (alive) => alive ? worker.ref() : worker.unref(),
    end: async () => {
      closed = true;
      if (!closeBusy(busy)) return void await worker.terminate();
      onEnd("closed");
      worker.unref();
    },
  };
}
