// Which folders are runs, for everybody who lists them: the plan, `runs`, the page. Links to folders count
// (lib/look.ts, `foldersIn`), so that nobody clears up what another one goes on with.
// The trap: a folder is a run's as soon as it holds anything that only a run writes, sound or not.
import { join } from "node:path";
import { Effect, Option } from "effect";
import { isThere } from "../../lib/look.ts";

export const runMarks = ["run.json", "events.jsonl", "state.safetensors"] as const;

/** Whether a folder is a run's at all, sound or not. */
export const isRunFolder = (dir: string): Effect.Effect<boolean> =>
  Effect.map(Effect.findFirst(runMarks, (mark) => isThere(join(dir, mark))), Option.isSome);
