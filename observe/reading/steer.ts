// Actions from the page: the request goes into the run's control file, where the training finds it at
// its next step, exactly as `runs stop`, `runs save` and `runs validate` do it.
// The trap: a prompt is data; it is checked for its form and length and never becomes part of a path.
import { Effect, Schema } from "effect";
import { ControlRequest } from "../../inversion/requests.ts";
import { sendRequest } from "../../runtime/control.ts";
import { trainingCodec } from "../../inversion/event-kinds.ts";
import { openEventLog } from "../../runtime/run-folder/event-log.ts";
import { lockRun } from "../../lib/lock.ts";
import { ask } from "../edge.ts";
import { isAlive } from "./run-alive.ts";
import type { RunState } from "./run-reader.ts";
import { checkpointAt } from "./run-answers.js";
import { eventsFile } from "../../runtime/run-folder/run-files.ts";

const mostPrompts = 16;
const longestPrompt = 2000;

const decode = Schema.decodeUnknownOption(ControlRequest);

/** The request in a POST's body; a text says what is wrong with it. */
export function parseRequest(body: string): ControlRequest | string {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return "not JSON";
  }
  const request = decode(json);
  if (request._tag === "None") return "no request that a training knows";
  if (request.value.request === "validate" && request.value.prompts !== undefined) {
    const { prompts } = request.value;
    if (prompts.length === 0 || prompts.length > mostPrompts) {
      return `1 to ${mostPrompts} prompts, please`;
    }
    if (prompts.some((prompt) => prompt.trim() === "" || prompt.length > longestPrompt)) {
      return `a prompt has 1 to ${longestPrompt} characters`;
    }
  }
  return request.value;
}

/** Notes the choice in a run that no process works in. */
const choose = (runDir: string, step: number, path: string) =>
  Effect.gen(function* () {
    yield* lockRun(runDir);
    const log = yield* openEventLog(eventsFile(runDir), trainingCodec);
    yield* Effect.orDie(log.append({ event: "chosen", step, path }));
    return yield* log.trouble;
  }).pipe(Effect.scoped);

/** Hands the request over, or does it where no training runs; a text says why neither can be. */
export async function steer(
  { dir, state }: { readonly dir: string; readonly state: RunState },
  request: ControlRequest,
): Promise<string | undefined> {
  const checkpoint = request.request === "choose" ? checkpointAt(state, request.step) : undefined;
  if (request.request === "choose" && checkpoint === undefined) {
    return "there is no checkpoint at this step";
  }
  const alive = await isAlive(dir);
  if (!alive && checkpoint === undefined) return "no training runs in this folder now";
  const work = alive || checkpoint === undefined
    ? Effect.as(sendRequest(dir, request), undefined)
    : choose(dir, checkpoint.step, checkpoint.path);
  return await ask(
    Effect.match(work, {
      onSuccess: (trouble) => trouble?.message,
      onFailure: ({ message }) => message,
    }),
  );
}
