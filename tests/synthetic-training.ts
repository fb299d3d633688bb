// A program that behaves towards its run folder as a training does, without training: it holds the lock,
// appends events with a pause for each step, and answers the control file.
// Arguments: run folder, options of the synthetic run as JSON, milliseconds per step.
import { join } from "node:path";
import process from "node:process";
import { Effect } from "effect";
import { trainingCodec } from "../inversion/event-kinds.ts";
import { TrainingRequest, trainingRequests } from "../inversion/requests.ts";
import { openControl } from "../runtime/control.ts";
import type { RunEvent } from "../inversion/events.ts";
import { openEventLog } from "../runtime/run-folder/event-log.ts";
import { lockRun } from "../lib/lock.ts";
import { checkpointPath, defaultRun, picturePath, syntheticEvents } from "./synthetic-events.ts";
import { createRunFolder, writeFilesOf } from "./synthetic-run.ts";

const [dir, options, millisecondsPerStep] = process.argv.slice(2);
const run = { ...defaultRun, ...JSON.parse(options ?? "{}") };

function* pictures(step: number, prompts: readonly string[]): Generator<RunEvent> {
  const common = { at: 0, step, epoch: Math.ceil(step / 4) };
  yield { event: "validation-started", ...common, pictures: prompts.length };
  for (const [prompt, text] of prompts.entries()) {
    const path = picturePath(step, prompt, 0);
    const size = { width: run.pictureSize, height: run.pictureSize };
    yield { event: "validation-picture", ...common, prompt, image: 0, text, path, ...size };
  }
  yield { event: "validation-finished", ...common, seconds: 0.1 };
}

await Effect.runPromise(Effect.scoped(Effect.gen(function* () {
  yield* Effect.promise(() => createRunFolder(dir, run));
  yield* lockRun(dir);
  const log = yield* openEventLog(join(dir, "events.jsonl"), trainingCodec);
  let stopping = false;
  const control = yield* openControl(dir, () => stopping = true, TrainingRequest);

  const say = Effect.fnUntraced(function* (event: RunEvent) {
    yield* Effect.promise(() => writeFilesOf(dir, run, event));
    const { at: _, ...unstamped } = event;
    yield* log.append(unstamped);
  });
  for (const event of syntheticEvents(run)) {
    yield* say(event);
    if (event.event !== "step") continue;
    const { step, epoch } = event;
    yield* Effect.sleep(Number(millisecondsPerStep ?? 20));
    for (
      const request of yield* trainingRequests({ requests: () => control.requests("training") })
    ) {
      const at = 0;
      if (request.request === "save") {
        const path = checkpointPath(step);
        yield* say({ event: "checkpoint", at, step, epoch, path, best: false });
      } else if (request.request === "validate") {
        for (const each of pictures(step, request.prompts ?? run.prompts)) yield* say(each);
      } else if (request.request === "choose") {
        const path = checkpointPath(request.step);
        yield* say({ event: "chosen", at, step: request.step, path });
      }
    }
    if (stopping) return yield* say({ event: "run-stopped", at: 0, step, reason: "as asked" });
  }
})));
