// The worker thread that owns ONNX Runtime's sessions on the CPU: `create` and `run` block their thread,
// so they never run on the thread that serves signals, timers and progress.
import { parentPort, workerData } from "node:worker_threads";
import { type Busy, whileBusy } from "./busy.ts";
import { serveRequest } from "./serve-request.ts";
import {
  requestOf,
  serialQueue,
  transferableReply,
  type TransferableRequest,
} from "./transport.ts";

const busy: Busy = workerData;

const serve = serialQueue((transferable: TransferableRequest) =>
  whileBusy(busy, async () => {
    const { message, buffers } = transferableReply(await serveRequest(requestOf(transferable)));
    parentPort!.postMessage(message, [...buffers]);
  })
);
parentPort!.on("message", serve);
