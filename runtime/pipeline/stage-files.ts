// Whose fault a stage's error is: the files of stages from outside the project, by their ids in the pipeline.
// What one of those throws is its author's to change, not a defect of gnomic.
// The trap: filled when a pipeline is loaded; a process runs one.
import { pathToFileURL } from "node:url";
import { fault } from "../../lib/fault.ts";

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

/** Of an error that nobody waited for: the stage whose file its stack names. */
export function strayStageError(error: unknown): StageError | undefined {
  const stack = error instanceof Error ? error.stack ?? "" : "";
  const [id] =
    [...files].find(([, file]) =>
      stack.includes(file) || stack.includes(pathToFileURL(file).href)
    ) ?? [];
  const what = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return id === undefined
    ? undefined
    : stageError(id, `an error that it did not wait for (a promise or a timer): ${what}`, error);
}
