// Which folders are runs, for everybody who lists them: the plan, `runs`, the page. Links to folders count, so
// that nobody clears up what another one goes on with.
// The trap: a folder is a run's as soon as it holds anything that only a run writes, sound or not.
import { existsSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";

export const runMarks = ["run.json", "events.jsonl", "state.safetensors"] as const;

/** Whether a folder is a run's at all, sound or not. */
export const isRunFolder = (dir: string): boolean =>
  runMarks.some((mark) => existsSync(join(dir, mark)));

/** The folders in `base`, links to folders too, hidden ones not; by name. Throws what reading it throws. */
export async function foldersIn(base: string): Promise<readonly string[]> {
  const entries = await readdir(base, { withFileTypes: true });
  const isFolder = (path: string) => stat(path).then((at) => at.isDirectory(), () => false);
  const folders = await Promise.all(entries.map(async (entry) => {
    const path = join(base, entry.name);
    if (entry.name.startsWith(".")) return [];
    return entry.isDirectory() || (entry.isSymbolicLink() && await isFolder(path)) ? [path] : [];
  }));
  return folders.flat().toSorted();
}
