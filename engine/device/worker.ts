// The worker thread that owns ONNX Runtime's sessions on the CPU: `create` and `run` block their thread,
// so they never run on the thread that serves signals, timers and progress.
import { parentPort, workerData } from "node:worker_threads";
import { answer } from "./answer.ts";
import { bareReply, type BareRequest, requestOf } from "./bare.ts";
import { type Busy, whileBusy } from "./busy.ts";
import { inOrder } from "./in-order.ts";

const busy: Busy = workerData;

const serve = inOrder((bare: BareRequest) =>
  whileBusy(busy, async () => {
    const { message, buffers } = bareReply(await answer(requestOf(bare)));
    parentPort!.postMessage(message, [...buffers]);
  })
);
parentPort!.on("message", serve);
