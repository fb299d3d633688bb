// The process that owns ONNX Runtime's sessions on a GPU (see process-carrier.ts). It ends with the
// process that started it, and leaves Ctrl-C to it.
import { answer } from "./answer.ts";
import { inOrder } from "./in-order.ts";
import type { Request } from "./messages.ts";

const serve = inOrder(async (request: Request) => {
  const reply = await answer(request);
  process.send!(reply);
});

process.on("message", serve);
process.on("disconnect", () => process.exit(0));
process.on("SIGINT", () => {});
