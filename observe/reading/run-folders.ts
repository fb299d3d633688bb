// Finds the runs in a folder, however it was given: a run itself, the output folder, or one above.
// Requests name a run by its id in this list and never by a path.
import { type Dirent, existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { basename, join, relative, resolve, sep } from "node:path";

export interface RunFolder {
  /** The path below the folder asked for, with "~" between the parts; fit for addresses. */
  readonly id: string;
  readonly dir: string;
}

/** How deep below the given folder runs are looked for. */
const depth = 4;

const isRun = (dir: string): boolean => existsSync(join(dir, "events.jsonl"));

async function search(root: string, dir: string, levels: number): Promise<readonly RunFolder[]> {
  if (isRun(dir)) {
    const path = relative(root, dir) || basename(dir);
    return [{ id: path.split(sep).join("~"), dir }];
  }
  if (levels === 0) return [];
  const entries = await readdir(dir, { withFileTypes: true }).catch((): Dirent[] => []);
  const folders = entries.filter((entry) =>
    entry.isDirectory() && !entry.name.startsWith(".") && entry.name !== "node_modules"
  );
  const found = await Promise.all(
    folders.map(({ name }) => search(root, join(dir, name), levels - 1)),
  );
  return found.flat();
}

/** All runs in `folder`, sorted by id. Links to folders are not followed. */
export async function findRuns(folder: string): Promise<readonly RunFolder[]> {
  const root = resolve(folder);
  return [...await search(root, root, depth)].sort((a, b) => a.id < b.id ? -1 : 1);
}
