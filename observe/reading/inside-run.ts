// A path that a run's own files name (an event's picture, a checkpoint), made absolute only when it
// stays inside the run's folder: runs are moved between machines, so their files are not trusted.
// The trap: symbolic links count by what they point at.
import { relative, resolve } from "node:path";
import { realPath } from "../../lib/plain-files.ts";

const climbs = (path: string): boolean =>
  path === "" || path.split(/[\\/]/)[0] === ".." || resolve(path) === path;

/** The real absolute path, or nothing when it is not there or leaves `runDir`. */
export async function insideRun(runDir: string, path: string): Promise<string | undefined> {
  try {
    const root = await realPath(runDir);
    const file = await realPath(resolve(root, path));
    return climbs(relative(root, file)) ? undefined : file;
  } catch {
    return undefined;
  }
}
