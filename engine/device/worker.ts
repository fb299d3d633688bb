// The worker thread that owns ONNX Runtime's sessions on the CPU: `create` and `run` block their thread,
// so they never run on the thread that serves signals, timers and progress.
import { parentPort } from "node:worker_threads";
import { answer } from "./answer.ts";
import { bareReply, type BareRequest, requestOf } from "./bare.ts";
import { inOrder } from "./in-order.ts";

const serve = inOrder(async (bare: BareRequest) => {
  const { message, buffers } = bareReply(await answer(requestOf(bare)));
  parentPort!.postMessage(message, [...buffers]);
});
parentPort!.on("message", serve);
