// "Did you mean": the known names closest to a mistyped one, by edits (letters changed, added, dropped
// or swapped with their neighbour).
import { editDistance } from "../lib/nearest.ts";

/** At most three of `known`, nearest first, none further than a third of the letters. */
export function nearest(word: string, known: Iterable<string>): string[] {
  const limit = Math.max(1, Math.floor(word.length / 3));
  return [...known]
    .map((name) => ({ name, edits: editDistance(word.toLowerCase(), name.toLowerCase()) }))
    .filter(({ edits }) => edits <= limit)
    .sort((a, b) => a.edits - b.edits || (a.name < b.name ? -1 : 1))
    .slice(0, 3)
    .map(({ name }) => name);
}
