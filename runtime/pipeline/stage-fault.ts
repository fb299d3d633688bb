// Whatever a stage throws or fails with becomes a fault here; after this, nothing is untyped. Whose fault it is
// follows from the stage's file: what one from outside the project throws is its author's to change, not a defect
// of gnomic.
// The trap: the files, by the stages' ids, are noted when a pipeline is loaded; a process runs one.
import { pathToFileURL } from "node:url";
import { Cause, Effect } from "effect";
import { systemFault, UnexpectedError } from "../../lib/as-fault.ts";
import { type Fault, fault, isFault } from "../../lib/fault.ts";

export class StageError extends fault("StageError", "user") {}

const files = new Map<string, string>();

export const noteStageFile = (id: string, file: string): void => void files.set(id, file);

/** What went wrong in the user's stage `id`; undefined: the stage is gnomic's own. */
export function stageError(id: string, found: string, cause?: unknown): StageError | undefined {
  const file = files.get(id);
  return file === undefined ? undefined : new StageError({
    file,
    key: id,
    wanted: "this stage to work",
    found,
    fix: "Correct it and give the same command again.",
    cause,
  });
}

const textOf = (cause: unknown) =>
  cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);

/** Of the stage whose file an error's stack names. */
function errorInStage(error: unknown, found: string): StageError | undefined {
  const stack = error instanceof Error ? error.stack ?? "" : "";
  const [id] =
    [...files].find(([, file]) =>
      stack.includes(file) || stack.includes(pathToFileURL(file).href)
    ) ?? [];
  return id === undefined ? undefined : stageError(id, found, error);
}

/** Of an error that nobody waited for. */
export const strayStageError = (error: unknown): StageError | undefined =>
  errorInStage(
    error,
    `an error that it did not wait for (a promise or a timer): ${textOf(error)}`,
  );

/** Of a stage that ends the process; `call` arose on the way out. */
export const exitingStage = (call: Error): StageError | undefined =>
  errorInStage(call, `${call.message}; to fail, throw an error`);

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
