// Carries out one request on ONNX Runtime. The traps, all measured: memory patterns double the peak from
// the second run on; float16 inputs fail under Deno, so every input and output is float32; outputs on the
// CPU are copies, so their buffers may be handed away; on the CPU the optimisers gain nothing on graphs
// as we write them, and cost seconds at load.
import * as ort from "onnxruntime-node";
import type { Feeds, Fetches, Reply, Request, SessionSettings } from "./messages.ts";

const sessions = new Map<string, ort.InferenceSession>();

export async function answer(request: Request): Promise<Reply> {
  try {
    switch (request.kind) {
      case "create":
        sessions.set(request.session, await createSession(request));
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

function createSession(
  { model, folder, settings }: Extract<Request, { kind: "create" }>,
): Promise<ort.InferenceSession> {
  return ort.InferenceSession.create(model, {
    executionProviders: [settings.provider],
    intraOpNumThreads: settings.threads,
    interOpNumThreads: 1,
    executionMode: "sequential",
    enableMemPattern: false,
    logSeverityLevel: 3,
    graphOptimizationLevel: settings.provider === "cpu" ? "disabled" : "all",
    extra: {
      session: {
        model_external_initializers_file_folder_path: folder,
        disable_prepacking: settings.mapWeights ? "1" : "0",
        use_device_allocator_for_initializers: "1",
      },
      optimization: {
        // Folding a cast of a weight would hold a converted copy of it; merging the casts of the forward
        // and the backward pass would hold one for the whole step.
        disable_specified_optimizers: "ConstantFolding;CommonSubexpressionElimination",
      },
    },
  } as ort.InferenceSession.SessionOptions);
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
