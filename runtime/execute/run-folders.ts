// Which folders are runs, for everybody who lists them: the plan, `runs`, the page. Links to folders count
// (lib/look.ts, `foldersIn`), so that nobody clears up what another one goes on with.
// The trap: a folder is a run's as soon as it holds anything that only a run writes, sound or not.
import { join } from "node:path";
import { Effect, Option } from "effect";
import { isThere } from "../../lib/look.ts";

export const stateName = "state.safetensors";

export const runMarks = ["run.json", "events.jsonl", stateName] as const;

/** Of the files at the top of a run's folder: tensors that are a result, and not the run's state. */
export const isTensorResult = (name: string): boolean =>
  name.endsWith(".safetensors") && name !== stateName;

/** Whether a folder is a run's at all, sound or not. */
export const isRunFolder = (dir: string): Effect.Effect<boolean> =>
  Effect.map(Effect.findFirst(runMarks, (mark) => isThere(join(dir, mark))), Option.isSome);
