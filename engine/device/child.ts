// The process that owns ONNX Runtime's sessions on a GPU (see process-transport.ts). It ends with the
// process that started it, and leaves Ctrl-C to it.
// The trap: what libraries write to stderr and a reply go different ways; a mark on stderr after each
// request tells which of it belongs to the request.
import { writeSync } from "node:fs";
import type { Request } from "./messages.ts";
import { serveRequest } from "./serve-request.ts";
import { endMark } from "./said.ts";
import { serialQueue } from "./transport.ts";

const serve = serialQueue(async (request: Request) => {
  const reply = await serveRequest(request);
  writeSync(2, endMark(request.id));
  process.send!(reply);
});

process.on("message", serve);
process.on("disconnect", () => process.exit(0));
process.on("SIGINT", () => {});
