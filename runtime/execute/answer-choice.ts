// Notes in the log which checkpoint somebody chose while the training runs; other requests are the stages'.
// The trap: a choice of a step that has no checkpoint (any more) is passed over.
import { Effect } from "effect";
import type { ControlRequest } from "../control.ts";
import type { EventStream } from "./observers.ts";

export const answerChoice = (
  runDir: string,
  request: ControlRequest,
  events: EventStream,
): Effect.Effect<void> =>
  request.request !== "choose" ? Effect.void : Effect.tryPromise(async () => {
    const { chosenEvent } = await import("../../observe/reading/steer.ts");
    return await chosenEvent(runDir, request.step);
  }).pipe(
    Effect.flatMap((event) => event === undefined ? Effect.void : events.publish(event)),
    Effect.ignore,
  );
