// Finds the runs in a folder, however it was given: a run itself, the output folder, or one above.
// Requests name a run by its id in this list and never by a path.
import { basename, relative, resolve, sep } from "node:path";
import { Effect } from "effect";
import { Files } from "../../lib/files.ts";
import { foldersIn } from "../../lib/look.ts";
import { isRunFolder } from "../../runtime/run-folder/run-files.ts";
import { ask } from "../edge.ts";

export interface RunFolder {
  /** The path below the folder asked for, with "~" between the parts; fit for addresses. */
  readonly id: string;
  readonly dir: string;
}

/** How deep below the given folder runs are looked for. */
const depth = 4;

const search = (
  root: string,
  dir: string,
  levels: number,
  above: readonly string[],
): Effect.Effect<readonly RunFolder[]> =>
  Effect.gen(function* () {
    if (yield* isRunFolder(dir)) {
      const path = relative(root, dir) || basename(dir);
      return [{ id: path.split(sep).join("~"), dir }];
    }
    const files = yield* Files;
    const real = yield* Effect.orElseSucceed(files.realPath(dir), () => dir);
    // A link may lead back to where it lies.
    if (levels === 0 || above.includes(real)) return [];
    const folders = (yield* Effect.orElseSucceed(foldersIn(dir), () => []))
      .filter((folder) => basename(folder) !== "node_modules");
    const found = yield* Effect.forEach(
      folders,
      (folder) => search(root, folder, levels - 1, [...above, real]),
      { concurrency: 16 },
    );
    return found.flat();
  });

/** All runs in `folder`, sorted by id. */
export async function findRuns(folder: string): Promise<readonly RunFolder[]> {
  const root = resolve(folder);
  return (await ask(search(root, root, depth, []))).toSorted((a, b) => a.id < b.id ? -1 : 1);
}
