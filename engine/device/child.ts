// The process that owns ONNX Runtime's sessions on a GPU (see process-carrier.ts). It ends with the
// process that started it, and leaves Ctrl-C to it.
import type { Request } from "./messages.ts";
import { serveRequest } from "./serve-request.ts";
import { serialQueue } from "./transport.ts";

const serve = serialQueue(async (request: Request) => {
  const reply = await serveRequest(request);
  process.send!(reply);
});

process.on("message", serve);
process.on("disconnect", () => process.exit(0));
process.on("SIGINT", () => {});
