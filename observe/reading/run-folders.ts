// Finds the runs in a folder, however it was given: a run itself, the output folder, or one above.
// Requests name a run by its id in this list and never by a path.
import { realpath } from "node:fs/promises";
import { basename, relative, resolve, sep } from "node:path";
import { foldersIn, isRunFolder } from "../../runtime/execute/run-folders.ts";

export interface RunFolder {
  /** The path below the folder asked for, with "~" between the parts; fit for addresses. */
  readonly id: string;
  readonly dir: string;
}

/** How deep below the given folder runs are looked for. */
const depth = 4;

async function search(
  root: string,
  dir: string,
  levels: number,
  above: readonly string[],
): Promise<readonly RunFolder[]> {
  if (isRunFolder(dir)) {
    const path = relative(root, dir) || basename(dir);
    return [{ id: path.split(sep).join("~"), dir }];
  }
  const real = await realpath(dir).catch(() => dir);
  // A link may lead back to where it lies.
  if (levels === 0 || above.includes(real)) return [];
  const folders = (await foldersIn(dir).catch(() => []))
    .filter((folder) => basename(folder) !== "node_modules");
  const found = await Promise.all(
    folders.map((folder) => search(root, folder, levels - 1, [...above, real])),
  );
  return found.flat();
}

/** All runs in `folder`, sorted by id. */
export async function findRuns(folder: string): Promise<readonly RunFolder[]> {
  const root = resolve(folder);
  return [...await search(root, root, depth, [])].sort((a, b) => a.id < b.id ? -1 : 1);
}
