// Carries out one request on ONNX Runtime. The traps, both measured: float16 inputs fail under Deno, so
// every input and output is float32; outputs on the CPU are copies, so their buffers may be handed away.
import * as ort from "onnxruntime-node";
import { collectGarbage } from "./collect-garbage.ts";
import type { Feeds, Fetches, Reply, Request } from "./messages.ts";
import { sessionOptions } from "./session-options.ts";

const sessions = new Map<string, ort.InferenceSession>();

export async function serveRequest(request: Request): Promise<Reply> {
  try {
    switch (request.kind) {
      case "create":
        sessions.set(
          request.session,
          await ort.InferenceSession.create(
            request.model,
            sessionOptions(request.settings, request.folder, request.optimised),
          ),
        );
        collectGarbage(request.model);
        return { id: request.id };
      case "run":
        return { id: request.id, fetches: await run(request.session, request.feeds) };
      case "release":
        await sessions.get(request.session)?.release();
        sessions.delete(request.session);
        return { id: request.id };
    }
  } catch (error) {
    return { id: request.id, error: error instanceof Error ? error.message : String(error) };
  }
}

async function run(name: string, feeds: Feeds): Promise<Fetches> {
  const session = sessions.get(name)!;
  const inputs = Object.fromEntries(
    Object.entries(feeds)
      .filter(([input]) => session.inputNames.includes(input))
      .map(([input, { data, dims }]) => [input, new ort.Tensor("float32", data, [...dims])]),
  );
  const outputs = await session.run(inputs);
  return Object.fromEntries(
    Object.entries(outputs).map(([output, tensor]) => [output, {
      type: "float32" as const,
      dims: tensor.dims,
      data: tensor.data as Float32Array,
    }]),
  );
}
