// One stage of a plan, from waiting for its inputs to handing on its outputs: does what the plan says, and
// publishes when it starts and ends.
// The trap: a planned "cached" whose entry was lost meanwhile is made after all.
import { Clock, Effect } from "effect";
import type { Fault } from "../../lib/fault.ts";
import type { Readied } from "../plan/assess.ts";
import type { PlannedStage } from "../plan/plan.ts";
import { takeCached, takeOrMake } from "./cached-result.ts";
import { makeAndRecord, recall } from "./run-folder-result.ts";
import type { Value } from "./slots.ts";
import type { Finished, Work } from "./stage-work.ts";

export const runStage = (
  readied: Readied,
  planned: PlannedStage,
  work: Work,
): Effect.Effect<Finished, Fault> =>
  Effect.gen(function* () {
    const { id, stage, reads } = readied;
    const { events, slots } = work;
    const finish = (finished: Finished, seconds: number) =>
      Effect.as(
        events.publish({ event: "stage-finished", stage: id, cached: finished.cached, seconds }),
        finished,
      );
    if (planned.action === "complete") return yield* finish(yield* recall(readied, work), 0);
    if (planned.action === "cached") {
      const taken = yield* takeCached(readied, planned.fingerprint!, work);
      if (taken !== undefined) return yield* finish(taken, 0);
    }
    const values = new Map<string, Value>();
    for (const [port, outlet] of Object.entries(reads)) {
      if (slots.stream(outlet) === undefined) values.set(port, yield* slots.value(outlet));
    }
    yield* events.publish({ event: "stage-started", stage: id });
    const start = yield* Clock.currentTimeMillis;
    const make = stage.lifetime === "run" ? makeAndRecord : takeOrMake;
    const finished = yield* make({ readied, planned, values }, work);
    const now = yield* Clock.currentTimeMillis;
    return yield* finish(finished, Math.max(0, now - start) / 1000);
  });
