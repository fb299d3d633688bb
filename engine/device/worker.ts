// The worker thread that owns ONNX Runtime's sessions on the CPU: `create` and `run` block their thread,
// so they never run on the thread that serves signals, timers and progress.
import { parentPort } from "node:worker_threads";
import { answer } from "./answer.ts";
import { inOrder } from "./in-order.ts";
import type { Request } from "./messages.ts";

const serve = inOrder(async (request: Request) => {
  const reply = await answer(request);
  const buffers = "fetches" in reply && reply.fetches !== undefined
    ? Object.values(reply.fetches).map((tensor) => tensor.data.buffer as ArrayBuffer)
    : [];
  parentPort!.postMessage(reply, buffers);
});

parentPort!.on("message", serve);
