// What only a training has (a loss to rank by, a card to plan for, settings in its file) is refused of any other
// pipeline, whose app would leave it aside in silence.
import { Effect } from "effect";
import type { Fault, Place } from "../lib/fault.ts";
import type { App } from "../runtime/app.ts";
import { loadPipeline } from "../runtime/pipeline/load-pipeline.ts";
import type { Command } from "../runtime/plan/prepare.ts";
import { UsageFault } from "./command.ts";

/** `place` is what asks for one. */
export const requireTraining = (
  pipeline: Command["pipeline"],
  training: App,
  place: Place,
): Effect.Effect<void, Fault> =>
  Effect.gen(function* () {
    const { app, name } = yield* loadPipeline(pipeline, training);
    if (app === training) return;
    return yield* new UsageFault({
      ...place,
      wanted: "a pipeline that is a training",
      found: `${name}, which is none`,
      fix: place.file === undefined ? "Leave the option out." : "Name another pipeline.",
    });
  });
