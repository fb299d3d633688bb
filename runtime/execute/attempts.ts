// Runs a stage's work as often as its pipeline file allows: a timeout for each attempt, and after a fault
// that may pass by itself (`transient`) another attempt, after a wait that doubles, give or take a fifth.
// The trap: the timeout is of one attempt, not of all of them and the waits between.
import { Duration, Effect } from "effect";
import { type Fault, fault } from "../../lib/fault.ts";
import { withRetries } from "../../lib/with-retries.ts";
import { faultsOnly } from "../pipeline/stage-fault.ts";
import type { PlannedStage } from "../plan/plan.ts";
import type { EventStream } from "./observers.ts";

export class StageTimeout extends fault("StageTimeout", "world", true) {}

const inTime =
  ({ id, timeoutSeconds }: PlannedStage) =>
  <A>(work: Effect.Effect<A, Fault>): Effect.Effect<A, Fault> =>
    timeoutSeconds === null ? work : Effect.timeoutOrElse(work, {
      duration: Duration.seconds(timeoutSeconds),
      orElse: () =>
        Effect.fail(
          new StageTimeout({
            key: `stages.${id}.timeoutSeconds`,
            wanted: `${id} to end within ${timeoutSeconds} s`,
            found: "that it still runs",
            fix: "Raise timeoutSeconds in the pipeline file.",
          }),
        ),
    });

/** A stage's work with its timeout and its retries. */
export const withAttempts =
  (planned: PlannedStage, events: EventStream) =>
  <A>(work: Effect.Effect<A, unknown>): Effect.Effect<A, Fault> =>
    work.pipe(
      faultsOnly(planned.id),
      inTime(planned),
      withRetries(planned.retry, ({ fault, attempt, delaySeconds }) =>
        events.publish({
          event: "stage-retried",
          stage: planned.id,
          attempt,
          error: fault.message,
          delaySeconds,
        })),
    );
