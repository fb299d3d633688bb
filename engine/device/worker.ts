// The worker that owns ONNX Runtime's sessions: `create` and `run` block their thread, so they never run
// on the thread that serves signals, timers and progress. One request at a time, in order.
import { parentPort } from "node:worker_threads";
import { answer } from "./answer.ts";
import type { Request } from "./messages.ts";

let last: Promise<void> = Promise.resolve();

parentPort!.on("message", (request: Request) => {
  last = last.then(async () => {
    const reply = await answer(request);
    const buffers = "fetches" in reply && reply.fetches !== undefined
      ? Object.values(reply.fetches).map((tensor) => tensor.data.buffer as ArrayBuffer)
      : [];
    parentPort!.postMessage(reply, buffers);
  });
});
