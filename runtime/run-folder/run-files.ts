// Which folders are runs, for everybody who lists them: the plan, `runs`, the page. Links to folders count
// (lib/look.ts, `foldersIn`), so that nobody clears up what another one goes on with.
// The trap: a folder is a run's as soon as it holds anything that only a run writes, sound or not; and where one
// may not look, or the disk fails, there may be one: what it needs must stay.
import { join } from "node:path";
import { Effect, Option } from "effect";
import { isAbsent } from "../../lib/disk-fault.ts";
import { Files } from "../../lib/files.ts";

export const manifestName = "run.json";
export const eventsName = "events.jsonl";
export const stateName = "state.safetensors";

export const runMarks = [manifestName, eventsName, stateName] as const;

export const manifestFile = (runDir: string): string => join(runDir, manifestName);
export const eventsFile = (runDir: string): string => join(runDir, eventsName);

/** Of the files at the top of a run's folder: tensors that are a result, and not the run's state. */
export const isTensorResult = (name: string): boolean =>
  name.endsWith(".safetensors") && name !== stateName;

/** Whether a folder is a run's at all, sound or not. */
export const isRunFolder = (dir: string): Effect.Effect<boolean> =>
  Effect.flatMap(
    Files,
    (files) =>
      Effect.findFirst(runMarks, (mark) =>
        Effect.match(files.stat(join(dir, mark)), {
          onSuccess: () => true,
          onFailure: (error) => !isAbsent(error),
        })),
  ).pipe(Effect.map(Option.isSome));

/** Folders of runs on their way in or out. One that stays was interrupted and is nobody's; `runs prune` removes it. */
export const deletedName = (run: string): string => `.deleted-${run}`;
export const importingName = (run: string): string => `.importing-${run}`;

/** Hidden from every list of runs. */
export const isLeftover = (name: string): boolean => /^\.(deleted|importing)-/.test(name);

/** What the lock and readers leave in a run's folder, and what a killed write may. */
export const isPassing = (name: string): boolean =>
  /^(lock\.json|\.events-index)/.test(name) || name.endsWith(".tmp");
