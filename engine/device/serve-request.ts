// Carries out one request on ONNX Runtime. The traps, both measured: float16 inputs fail under Deno, so
// every input and output is float32; outputs on the CPU are copies, so their buffers may be handed away.
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as ort from "onnxruntime-node";
import { collectGarbage } from "./collect-garbage.ts";
import type { Feeds, Fetches, Placed, Reply, Request } from "./messages.ts";
import { sessionOptions } from "./session-options.ts";

const sessions = new Map<string, ort.InferenceSession>();
/** Where the profiles of sessions go that are asked for one. */
const profiles = new Map<string, string>();

export async function serveRequest(request: Request): Promise<Reply> {
  try {
    switch (request.kind) {
      case "create": {
        const options = sessionOptions(request.settings, request.folder, request.optimised);
        const profile = request.profiled ? await profileIn(request.session) : {};
        const session = await ort.InferenceSession.create(request.model, {
          ...options,
          ...profile,
        });
        sessions.set(request.session, session);
        collectGarbage(request.model);
        return { id: request.id };
      }
      case "run":
        return { id: request.id, fetches: await run(request.session, request.feeds) };
      case "placement":
        return { id: request.id, placed: await placement(request.session) };
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

async function profileIn(session: string) {
  const folder = await mkdtemp(join(tmpdir(), "gnomic-profile-"));
  profiles.set(session, folder);
  return { enableProfiling: true, profileFilePrefix: join(folder, "profile") };
}

/** What ran where until now; the session's profile ends with it. */
async function placement(session: string): Promise<readonly Placed[]> {
  const folder = profiles.get(session)!;
  try {
    sessions.get(session)!.endProfiling();
    const [file] = await readdir(folder);
    const events = JSON.parse(await readFile(join(folder, file), "utf8")) as readonly {
      readonly cat?: string;
      readonly name?: string;
      readonly args?: { readonly op_name?: string; readonly provider?: string };
    }[];
    const counts = new Map<string, Placed>();
    for (const { cat, name, args: { op_name: op, provider } = {} } of events) {
      if (cat !== "Node" || !name?.endsWith("_kernel_time")) continue;
      if (op === undefined || provider === undefined) continue;
      const key = `${op} ${provider}`;
      counts.set(key, { op, provider, count: (counts.get(key)?.count ?? 0) + 1 });
    }
    return [...counts.values()];
  } finally {
    profiles.delete(session);
    await rm(folder, { recursive: true, force: true });
  }
}
