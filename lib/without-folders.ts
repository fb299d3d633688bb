// A text without folders: of every path in it only the last part is left, so that what is meant to be shown
// tells nobody where its user lives. The words around it stay.
// The trap: a path with blanks in it cannot be told from words; name its folder in `known`.
import { isMapping } from "./mapping.ts";

/** The last part of a path as it was written, for any system; a path of nothing but dots stays. */
export const lastPart = (path: string): string =>
  path.split(/[\\/]+/).findLast((part) => part !== "") ?? path;

const mayBeFolder = (text: string) => /[\\/]/.test(text) && lastPart(text) !== text;

const posix = /(?<![\w.:/<)\]}*~-])~?[\w.-]*(?:\/[^\s/"'`<>|,;:()[\]{}]+)+\/?/gu;
const address = /file:\/\/[^\s"'`<>]*/gu;
const windows = /(?<![\w/])(?:[A-Za-z]:[\\/]|\\\\)[^\s"'`<>|,;:()]*/gu;

/** `known`: folders and files that may stand in it, blanks and all; relative ones as well. */
export function withoutFolders(text: string, known: readonly string[] = []): string {
  const places = known.filter(mayBeFolder).toSorted((a, b) => b.length - a.length);
  const named = places.reduce((left, place) => left.replaceAll(place, lastPart(place)), text);
  return named.replace(address, lastPart).replace(windows, lastPart)
    .replace(posix, (path) => /^[/~.]/.test(path) ? lastPart(path) : path);
}

const isPath = /^(?:[/~.\\]|[A-Za-z]:[\\/])/;

/** A JSON value with every text in it like that; one that begins as a path does is a path as a whole. */
export function jsonWithoutFolders<A>(value: A): A;
export function jsonWithoutFolders(value: unknown): unknown {
  if (typeof value === "string") return withoutFolders(value, isPath.test(value) ? [value] : []);
  if (Array.isArray(value)) return value.map(jsonWithoutFolders);
  return isMapping(value)
    ? Object.fromEntries(
      Object.entries(value).map(([key, each]) => [key, jsonWithoutFolders(each)]),
    )
    : value;
}
