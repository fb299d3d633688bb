// Where a file is that a list of pictures names by a path; paths start at the list's folder.
// The trap: a path may not lead out of that folder, not even through a symbolic link: a dataset from elsewhere must
// not choose which of this machine's files are read, unless its user says so.
import { isAbsolute, join, relative, resolve, sep } from "node:path";
import { realPath } from "../../../lib/plain-files.ts";
import { DatasetFault } from "./listing.ts";

/** Where an existing file inside `folder` is. */
export async function insideFolder(
  folder: string,
  path: string,
  file: string,
  line: number,
): Promise<string | DatasetFault> {
  const outside = () =>
    new DatasetFault({
      file,
      line,
      wanted: `a path inside ${folder}`,
      found: path,
      fix: "Copy the file into the dataset's folder, or set " +
        "data_loader.dataset.allow_outside_paths to true if you trust the list.",
    });
  const target = resolve(folder, path);
  if (leaves(resolve(folder), target)) return outside();
  try {
    if (leaves(await realPath(folder), await realPath(target))) return outside();
    return isAbsolute(path) ? path : join(folder, path);
  } catch (cause) {
    return absent(path, file, line, cause);
  }
}

/** Where an existing file is, inside `folder` or not. */
export async function anywhere(
  folder: string,
  path: string,
  file: string,
  line: number,
): Promise<string | DatasetFault> {
  const target = isAbsolute(path) ? path : join(folder, path);
  return await realPath(target).then(() => target, (cause) => absent(path, file, line, cause));
}

const absent = (path: string, file: string, line: number, cause: unknown): DatasetFault =>
  new DatasetFault({
    file,
    line,
    wanted: `the picture ${path}`,
    found: "no such file",
    fix: "Restore the file or remove the line.",
    cause,
  });

/** Whether the way from a folder to a file goes out of it. */
export function leaves(from: string, to: string): boolean {
  const way = relative(from, to);
  return way === ".." || way.startsWith(`..${sep}`) || resolve(to) === way;
}
