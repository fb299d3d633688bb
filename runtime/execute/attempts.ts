// Runs a stage's work as often as its pipeline file allows: a timeout for each attempt, and after a fault
// that may pass by itself (`transient`) another attempt, after a wait that doubles, give or take a fifth.
// The trap: whatever a stage throws becomes a fault here; after this, nothing is untyped.
import { Cause, Duration, Effect } from "effect";
import { systemFault, UnexpectedError } from "../../lib/as-fault.ts";
import { type Fault, fault, isFault } from "../../lib/fault.ts";
import { withRetries } from "../../lib/with-retries.ts";
import { stageError } from "../pipeline/stage-files.ts";
import type { PlannedStage } from "../plan/plan.ts";
import type { EventStream } from "./observers.ts";

export class StageTimeout extends fault("StageTimeout", "world", true) {}

const textOf = (cause: unknown) =>
  cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);

/** What a stage threw or failed with. A defect is its author's where the stage is not ours. */
function stageFault(id: string, cause: unknown): Fault {
  if (isFault(cause)) {
    if (cause.kind !== "defect") return cause;
    return stageError(id, `${cause.found} in place of ${cause.wanted}`, cause) ?? cause;
  }
  return systemFault(cause) ?? stageError(id, textOf(cause), cause) ?? new UnexpectedError({
    key: id,
    wanted: "no such error",
    found: textOf(cause),
    fix: "This is a defect of gnomic; please report it with this text.",
    cause,
  });
}

/** Interruption stays what it is; failures and defects of stage `id` become faults. */
export const faultsOnly =
  (id: string) => <A>(work: Effect.Effect<A, unknown>): Effect.Effect<A, Fault> =>
    Effect.catchCause(work, (cause) => {
      if (Cause.hasInterruptsOnly(cause)) return Effect.failCause(cause as Cause.Cause<never>);
      const squashed = Cause.squash(cause);
      return Effect.fail(stageFault(id, squashed));
    });

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
