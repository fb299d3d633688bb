// Which of the names that are there another one means. What looks the same may be other characters: a Mac takes é
// apart into e and its accent, so a list or a caption that was made elsewhere names another file.
// The trap: where both spellings are there, each means itself.
import { join, sep } from "node:path";
import { readNames } from "../../../lib/plain-files.ts";

/** Names by what they look like. */
export type Names = ReadonlyMap<string, readonly string[]>;

export const byLook = (names: Iterable<string>): Names =>
  Map.groupBy(names, (name) => name.normalize());

/** Itself, else the only one that looks the same; undefined: none, or several. */
export function meantBy(name: string, among: Names): string | undefined {
  const alike = among.get(name.normalize()) ?? [];
  return alike.includes(name) ? name : alike.length === 1 ? alike[0] : undefined;
}

/**
 * Gives a path below `folder` with its parts as the disk spells them; undefined: there is none that looks the
 * same. Each folder is listed once.
 */
export function spelling(folder: string): (path: string) => Promise<string | undefined> {
  const listed = new Map<string, Promise<Names>>();
  const namesIn = (at: string) => {
    const names = listed.get(at) ?? readNames(join(folder, at)).then(byLook, () => byLook([]));
    listed.set(at, names);
    return names;
  };
  return async (path) => {
    let at = "";
    for (const part of path.split(/[\\/]/)) {
      const isStep = part === "" || part === "." || part === "..";
      const found = isStep ? part : meantBy(part, await namesIn(at));
      if (found === undefined) return undefined;
      at += (at === "" ? "" : sep) + found;
    }
    return at;
  };
}
